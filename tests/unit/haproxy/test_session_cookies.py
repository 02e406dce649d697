"""What the rules of session cookies cost those who have none: nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sumun.access import TOKENS, TokenKind
from sumun.config.plan import Route, SessionSettings
from sumun.haproxy import RuntimePaths, render
from sumun.haproxy.session_cookies import KEY
from sumun.identity import Credential, CredentialKind
from tests.unit.haproxy.plans import plan, route, service

PATHS = RuntimePaths(Path("/run/sumun"), Path("/generations/000001"))
BROWSERS = route("page", "/page", "shop", kinds=frozenset(TokenKind))
PROGRAMS = route("api", "/api", "shop", kinds=TOKENS)


def lines_of(*routes: Route) -> list[str]:
    files = render(plan(8080, [service("shop", 9101)], routes), 1, PATHS)
    return [line.text for file in files.files for line in file.lines]


def about(lines: Iterable[str], *words: str) -> list[str]:
    return [line for line in lines if any(word in line for word in words)]


def test_no_rule_without_a_route() -> None:
    """A plan in which no route takes a session asks no call for one: neither what is known nor the question mentions it."""
    lines = lines_of(PROGRAMS)
    assert (
        about(lines, "txn.session", "|session|", "str(session)", "/login/start", "span=", "txn.page", "html")
        == []
    )
    known = lines[lines.index("backend known.shop") :]
    assert about(known[1 : known.index("backend refuse")], "cookie") == []


def test_rules_with_a_route() -> None:
    """One route is enough for the rules; its service's other routes do not take the cookie."""
    lines = lines_of(BROWSERS, PROGRAMS)
    assert len(about(lines, "set-var(txn.session)")) == 1
    assert "{ var(txn.r),field(3,|) -m sub c }" in about(lines, "set-var(txn.session)")[0]
    rows = {line.split(" ")[0]: line.split("|")[3] for line in lines if "|page|" in line or "|api|" in line}
    assert {flags for path, flags in rows.items() if "/page/" in path} == {"c"}
    assert {flags for path, flags in rows.items() if "/api/" in path} == {""}


def test_what_is_kept_has_one_name() -> None:
    """HAProxy and we call a fact about a session by one name, which changes with the span of time."""
    assert KEY == "var(txn.session),concat(|session|,txn.span),sha2(256),hex"
    credential = Credential(CredentialKind.SESSION, "smn_se_x")
    assert credential.fingerprint("7") != credential.fingerprint("8")
    bearer = Credential(CredentialKind.BEARER, "smn_se_x")
    assert credential.fingerprint() != bearer.fingerprint()


def test_the_span_is_a_quarter_of_the_idle_limit() -> None:
    """What is kept lives for a quarter of it at most, and a second at least."""
    assert [SessionSettings(seconds).kept_seconds for seconds in (2, 8, 1800)] == [1, 2, 450]
