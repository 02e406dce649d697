"""What every rendered configuration keeps to, whatever the plan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from sumun.access import Access
from sumun.access.handover import IDENTITY_TOKEN, OURS, REQUEST_ID
from sumun.config.plan import Place, Plan, ServiceProtocol
from sumun.haproxy import Files, RuntimePaths, render
from sumun.haproxy.errors import UnquotableError, UnusablePathError
from sumun.haproxy.kept import Fact, Verdict, told_fact, told_rights
from sumun.haproxy.sections import Line
from sumun.haproxy.whole_process import buffer_bytes
from tests.unit.haproxy.plans import YAML, limits, plan, route, service

PATHS = RuntimePaths(Path("/run/sumun"), Path("/generations/000007"))


def shop(**changes: object) -> Plan:
    """A plan with a bit of everything."""
    services = [
        service("shop", 9101, where=Place(YAML, 3, 3)),
        service("grpc", 9103, ServiceProtocol.H2C, where=Place(YAML, 4, 3)),
        service("unused", 9109),
    ]
    routes = [
        route("list", "/products", "shop", "GET", where=Place(YAML, 10, 3)),
        route("one", "/products/{id}", "shop", "GET", where=Place(YAML, 11, 3)),
        route("open", "/open/**", "shop", access=Access.PUBLIC, where=Place(YAML, 12, 3)),
        route("say", "/shop.Greeter/{m}", "grpc", "POST", keeps_authorization=True, where=Place(YAML, 13, 3)),
        route("stats", "/stats", "shop", access=Access.INTERNAL, where=Place(YAML, 14, 3)),
    ]
    return plan(8080, services, routes, internal=8081, operator=8082, bounds=limits(**changes))


def rendered(**changes: object) -> Files:
    """Its files."""
    return render(shop(**changes), 7, PATHS)


def section(files: Files, heading: str) -> list[str]:
    """The lines of a section of haproxy.cfg."""
    lines = [line.text for line in files.get("haproxy.cfg").lines]
    start = lines.index(heading)
    return [line.strip() for line in lines[start + 1 : lines.index("", start)]]


def test_same_plan_same_bytes() -> None:
    """Rendering is pure: the same plan gives the same bytes, and the files come sorted by name."""
    first, second = rendered(), rendered()
    assert [(file.name, file.text()) for file in first.files] == [
        (file.name, file.text()) for file in second.files
    ]
    assert [file.name for file in first.files] == sorted(file.name for file in first.files)


@pytest.mark.parametrize("backend", ["backend ask.shop", "backend ask.grpc"])
def test_nothing_passes_without_an_allow(backend: str) -> None:
    """A protected service is reached by one rule only, which wants `allow` true; the last rule refuses everybody."""
    rules = [line for line in section(rendered(), backend) if line.startswith("http-request")]
    passing = [rule for rule in rules if rule.startswith("http-request allow")]
    assert passing == ["http-request allow if { var(txn.smn.allow) -m bool }"]
    behind = rules[rules.index(passing[0]) + 1 :]
    assert behind[-1].startswith("http-request return status 503 ")
    assert " if " not in behind[-1]
    assert " unless " not in behind[-1]
    asked = next(number for number, rule in enumerate(rules) if "send-spoe-group" in rule)
    assert asked < rules.index(passing[0])


def test_open_backends_ask_nobody() -> None:
    """A public or internal route's backend asks nobody and tells nobody's identity."""
    lines = section(rendered(), "backend open.shop")
    assert not [line for line in lines if "spoe" in line or "X-User" in line]
    assert "http-request del-header authorization" in lines


def test_identity_headers() -> None:
    """Kept or answered, a caller is told in the same words, whose fields are those of `kept`; all of ours are taken away from clients."""
    text = rendered().get("haproxy.cfg").text()
    asked, known = (
        dict(
            re.findall(r"add-header (\S+) %\[(\S+)\]", "\n".join(section(rendered(), f"backend {kind}.shop")))
        )
        for kind in ("ask", "known")
    )
    whose = ("subject", "token", "client", "user", "name")
    kept = Fact("KEY", 1, 2, "held", *whose).value()
    verdict = Verdict("p", 1, "r", "shop", "roles", "permissions").value()
    answered = told_fact("held", *whose), told_rights("roles", "permissions")
    for lines, (fact, rights) in ((known, (kept, verdict)), (asked, answered)):
        texts = {"txn.smn.fact": fact, "txn.v": rights, "txn.smn.rights": rights}
        assert {header: field(expression, texts) for header, expression in lines.items()} == {
            "X-User-Id": "user",
            "X-User-Name": "name",
            "X-User-Roles": "roles",
            "X-User-Permissions": "permissions",
            "X-Client-Id": "client",
            "X-Token-Id": "token",
        }
    assert {*asked, IDENTITY_TOKEN, REQUEST_ID} == {*OURS}
    (taken,) = set(re.findall(r"del-header '(\^\(\?i:.*)' -m reg", text))
    for header in OURS:
        assert re.search(taken, header)


def field(expression: str, texts: Mapping[str, str | None]) -> str:
    """The part of a text that HAProxy takes for this expression."""
    (found,) = re.findall(r"^var\((\S+)\),field\((-?\d),\|\)$", expression)
    return str(texts[found[0]]).split("|")[int(found[1]) - (int(found[1]) > 0)]


@pytest.mark.parametrize("part", range(6))
def test_no_part_becomes_another_field(part: int) -> None:
    """A name with a field separator would be taken for somebody else's: there is no answer then."""
    parts = ["held", "subject", "token", "client", "user", "name"]
    parts[part] += "|x"
    with pytest.raises(ValueError, match="separator"):
        told_fact(*parts)
    with pytest.raises(ValueError, match="separator"):
        told_rights("role|x", "")


def test_authorization_is_kept_by_name() -> None:
    """The Authorization header is removed but for the routes that keep it."""
    assert "http-request del-header authorization" in section(rendered(), "backend ask.shop")
    kept = "http-request del-header authorization unless { var(txn.r),field(3,|) -m sub k }"
    assert kept in section(rendered(), "backend ask.grpc")
    rows = [line.text for line in rendered().get("public.routes.map").lines]
    assert "POST:/shop.Greeter/ !POST:/shop.Greeter/;ask.grpc|say|k|7.-" in rows


def test_only_used_services_have_backends() -> None:
    """A service that no route leads to makes no backend."""
    assert "unused" not in rendered().get("haproxy.cfg").text()


def test_every_line_knows_its_cause() -> None:
    """Lines that a service, a route or a listener caused carry its place; the others carry none."""
    files = rendered()
    lines = files.get("haproxy.cfg").lines
    places = {line.text: line.place for line in lines}
    assert places["backend ask.shop"] == Place(YAML, 3, 3)
    assert places["  server s0 127.0.0.1:9103 proto h2"] == Place(YAML, 4, 3)
    assert places["frontend public"] == Place(YAML, 1, 9)
    assert places["global"].line == 0
    rows = {line.text.partition(" ")[0]: line.place for line in files.get("public.routes.map").lines}
    assert rows["GET:/products/"] == Place(YAML, 11, 3)
    assert rows["GET:/products/|"] == Place(YAML, 10, 3)
    assert rows["GET:/open/"] == Place(YAML, 12, 3)
    assert rows["GET:/oauth/"].line == 0


def test_own_paths_are_on_every_listener() -> None:
    """Our own paths are in the maps of every listener, and internal routes answer on theirs only."""
    for listener, stats in (("public", "refuse|-|"), ("internal", "open.shop|stats||7.-")):
        rows = dict(line.text.split(" ", 1) for line in rendered().get(f"{listener}.routes.map").lines)
        assert rows["GET:/oauth/"] == "own|-|"
        assert rows["GET:/healthz/|"] == "healthz|-|"
        assert rows["GET:/stats/|"] == stats


def test_limits_arrive() -> None:
    """Times, sizes and numbers of the plan stand where HAProxy reads them."""
    changes = {
        "client_timeout_ms": 1234,
        "request_timeout_ms": 2345,
        "max_connections": 77,
        "decision_timeout_ms": 345,
    }
    files = rendered(**changes)
    defaults = section(files, "defaults")
    assert "timeout client 1234ms" in defaults
    assert "timeout http-request 2345ms" in defaults
    assert "maxconn 77" in section(files, "global")
    spoe = [line.text.strip() for line in files.get("spoe.conf").lines]
    assert "timeout processing 345ms" in spoe
    assert any("gen=var(txn.rule),field(1,.)" in line for line in spoe)


@pytest.mark.parametrize(
    ("header_bytes", "buffer"), [(4096, 16384), (15360, 16384), (16384, 17408), (65536, 66560)]
)
def test_buffer(header_bytes: int, buffer: int) -> None:
    """The buffer holds the longest head and what we add to it, and a question with the longest token."""
    assert buffer_bytes(header_bytes) == buffer


def test_an_operators_text_cannot_break_out() -> None:
    """A name that HAProxy cannot hold is refused with a sentence, not repaired and not written."""
    bad = plan(8080, [service("s\nglobal", 1)], [route("r", "/x", "s\nglobal")])
    with pytest.raises(UnquotableError):
        render(bad, 1, PATHS)
    for name in ("a|b", "a\nb"):
        with pytest.raises(UnquotableError):
            render(plan(8080, [service("s", 1)], [route(name, "/x", "s")]), 1, PATHS)


def test_run_folder_with_a_blank() -> None:
    """A run folder with blanks and quotes in its name is one word."""
    files = render(shop(), 1, RuntimePaths(Path("/run/su mun's"), Path("/g")))
    assert (
        "server http 'unix@/run/su mun'\\''s/http.sock' check inter 2s fastinter 500ms downinter 500ms fall 2 rise 1"
        in section(files, "backend own")
    )


def test_run_folder_too_long() -> None:
    """A run folder that is too long for sockets is refused before anything is written."""
    with pytest.raises(UnusablePathError, match="shorter"):
        RuntimePaths(Path("/" + "x" * 90), Path("/g"))


def test_names_of_servers_are_resolved_again() -> None:
    """Servers with names make a resolver; addresses do not."""
    named = plan(8080, [service("s", 0, servers=(("shop.internal", 80),))], [route("r", "/x", "s")])
    text = render(named, 1, PATHS).get("haproxy.cfg").text()
    assert "resolvers names" in text
    assert "server s0 shop.internal:80 resolvers names init-addr last,libc,none" in text
    assert "resolvers" not in rendered().get("haproxy.cfg").text()


def test_tls_is_verified() -> None:
    """A TLS service's certificate is verified against its name or address."""
    tls = ServiceProtocol.HTTPS
    services = [
        service("n", 0, tls, servers=(("a.test", 443),)),
        service("i", 0, tls, servers=(("::1", 443),)),
    ]
    routes = [route("n", "/n", "n"), route("i", "/i", "i")]
    text = render(plan(8080, services, routes), 1, PATHS).get("haproxy.cfg").text()
    assert "server s0 a.test:443 ssl verify required ca-file @system-ca alpn http/1.1 sni str(a.test)" in text
    assert "server s0 '[::1]:443' ssl verify required ca-file @system-ca alpn http/1.1 verifyhost ::1" in text


def test_lines_compare_by_text() -> None:
    """Two lines with one text are equal wherever they come from: a generation that only moved in the YAML is the same."""
    assert Line("a", Place(YAML, 1, 1)) == Line("a")
