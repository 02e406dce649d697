"""CORS at the gate: what pages of other origins may call and read, by hand and in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sumun.access import Access
from sumun.config.plan import Cors, Plan, Rate
from tests.live.application_pages import application
from tests.live.browser_world import COOKIE, BrowserNode
from tests.live.chromium import Browser, Page, chromium
from tests.live.gate_wire import Response, parse, send_raw
from tests.live.gate_world import World, gate_of
from tests.live.node_under_test import node_folder, until
from tests.live.operator_shell import Shell
from tests.live.ports import free_ports
from tests.live.talker import talker
from tests.unit.haproxy.plans import limits, plan, route, service

CONFIG = """\
listen: 127.0.0.1:{port}
internal: {{listen: 127.0.0.1:{internal}}}
limits: {{decision_timeout: 2s}}
services:
  api:
    url: http://127.0.0.1:{service}
    cors: {{origins: ["{app}", "https://app.example"], headers: [X-Tenant], expose: [X-Total-Count], max_age: 7m}}
  free: {{url: "http://127.0.0.1:{service}", cors: {{origins: ["*"]}}}}
  own: {{url: "http://127.0.0.1:{service}"}}
  down: {{url: "http://127.0.0.1:9", cors: {{origins: ["https://app.example"]}}}}
roles:
  user: ["item:read"]
routes:
  - {{path: /items, methods: [GET, POST], service: api, require: item:read}}
  - {{path: "/items/{{id}}", methods: [GET, PUT], service: api, require: item:read}}
  - {{path: "/items/{{id}}", methods: [DELETE], service: free, require: item:read}}
  - {{path: /admin, methods: [GET], service: api, require: item:write}}
  - {{path: "/open/**", service: api, require: public}}
  - {{path: /itself, methods: [GET, OPTIONS], service: api, require: public}}
  - {{path: /mine, methods: [GET, POST], service: api, require: item:read, session: true}}
  - {{path: /seldom, methods: [GET], service: api, require: public, limit: 1/hour}}
  - {{path: "/free/**", service: free, require: public}}
  - {{path: /down, methods: [GET], service: down, require: public}}
  - {{path: /inside, methods: [GET], service: api, require: internal}}
  - {{path: "/pages/**", service: own, require: public}}
  - {{path: /pages/api, methods: [PUT], service: api, require: item:read}}
clients:
  - {{id: shop-app, kind: public, first_party: true, grants: [password]}}
"""
LISTED = "https://app.example"
SENT = "Accept, Authorization, Content-Type, DPoP, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID"
UNLISTED = {
    "another": "https://evil.example",
    "null": "null",
    "nothing": "",
    "upper case": "HTTPS://APP.EXAMPLE",
    "a longer name": "https://app.example.evil",
    "a name before": "https://evil.app.example",
    "user part": "https://app.example@evil.example",
    "another port": "https://app.example:8443",
    "the usual port": "https://app.example:443",
    "in clear": "http://app.example",
    "a slash": "https://app.example/",
    "two in one": "https://app.example https://evil.example",
    "two with a comma": "https://app.example, https://app.example",
    "two fields": "https://app.example\r\nOrigin: https://app.example",
    "listed behind": "https://evil.example\r\nOrigin: https://app.example",
    "a bar": "https://app.example|",
    "another service's": "free|*",
    "star": "*",
    "very long": "https://app.example" + "/" * 9000,
}


@dataclass
class Place:
    """A gateway; `app` and `evil` are origins with pages of their own, the first of them listed; somebody's token."""

    node: BrowserNode
    internal: int
    app: str
    evil: str
    token: str = ""

    def ask(
        self, method: str, target: str, *lines: str, origin: str | None = LISTED, port: int = 0
    ) -> Response:
        """One request, written as it stands here."""
        head = [f"{method} {target} HTTP/1.1", "Host: gate.test", "Connection: close", *lines]
        head += [] if origin is None else [f"Origin: {origin}"]
        return parse(send_raw(port or self.node.port, "\r\n".join([*head, "", ""]).encode("latin-1")))

    def known(self, method: str, target: str, *lines: str, origin: str | None = LISTED) -> Response:
        """The same with the token."""
        return self.ask(method, target, f"Authorization: Bearer {self.token}", *lines, origin=origin)

    def preflight(self, target: str, method: str, *lines: str, origin: str | None = LISTED) -> Response:
        """What a browser asks before."""
        return self.ask("OPTIONS", target, f"Access-Control-Request-Method: {method}", *lines, origin=origin)


@pytest.fixture(scope="module")
def place(haproxy: Path) -> Iterator[Place]:
    """One gateway for all tests of this file."""
    with ExitStack() as stack:
        folder, port = stack.enter_context(node_folder()), stack.enter_context(talker())
        app, evil = (stack.enter_context(application()) for _ in range(2))
        node = BrowserNode(data=folder / "data", environment={"HAPROXY": str(haproxy)})
        node.config = folder / "sumun.yaml"
        here = Place(node, free_ports(1)[0], app.origin, evil.origin)
        node.config.write_text(
            CONFIG.format(port=node.port, internal=here.internal, service=port, app=app.origin)
        )
        stack.enter_context(node.running())
        node.add_person("ann", "user")
        here.token = node.log_in("ann")
        yield here
        assert "Traceback" not in node.log()


def cors(answer: Response) -> dict[str, str]:
    """The fields that a browser goes by; each stands once."""
    found = [
        (name.lower(), value) for name, value in answer.headers if name.lower().startswith("access-control-")
    ]
    assert len({name for name, _ in found}) == len(found), found
    return {name.removeprefix("access-control-"): value for name, value in found}


def may_read(answer: Response, origin: str = LISTED) -> bool:
    """Whether a page may: it is named, once, no cache hands this to another, and nothing allows credentials."""
    said = cors(answer)
    assert "allow-credentials" not in said, answer
    if said.get("allow-origin") != origin:
        assert "allow-origin" not in said, answer
        assert "expose-headers" not in said, answer
        return False
    varies = [one.strip().lower() for value in answer.get("vary") for one in value.split(",")]
    assert varies.count("origin") == 1, answer
    assert "X-Request-Id" in said["expose-headers"]
    return True


def test_a_preflight(place: Place) -> None:
    """204 with the methods of this path, the fields that pages may send, and for how long; also over the odd path's way."""
    answer = place.preflight("/items", "POST", "Access-Control-Request-Headers: authorization,x-tenant")
    assert (answer.status, answer.body) == (204, b"")
    assert cors(answer) == {
        "allow-origin": LISTED,
        "allow-methods": "GET, POST",
        "allow-headers": f"{SENT}, X-Tenant",
        "max-age": "420",
    }
    assert answer.get("vary") == ["Origin"]
    assert len(answer.get("x-request-id")) == 1
    odd = place.preflight("/items", "POST", "X-User-Id: ann", "Accept: text/event-stream")
    assert cors(odd) == cors(answer)


@pytest.mark.parametrize(
    ("target", "method", "allowed"),
    [
        ("/items/7", "PUT", "GET, PUT"),
        ("/items/7", "DELETE", "DELETE"),
        ("/pages/api", "PUT", "PUT"),
        ("/open/a/b", "PATCH", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
        ("/free/x", "GET", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
    ],
    ids=lambda value: str(value).replace(", ", "+"),
)
def test_methods_are_those_of_the_service(place: Place, target: str, method: str, allowed: str) -> None:
    """Of the service that serves the method asked about, whatever other routes there are for this path, or for OPTIONS."""
    answer = place.preflight(target, method)
    assert (answer.status, cors(answer)["allow-methods"]) == (204, allowed)


@pytest.mark.parametrize(
    ("target", "method", "status"),
    [
        ("/items", "DELETE", 405),
        ("/items", "GE", 405),
        ("/items", "GET, POST", 405),
        ("/items", "PUT|free:PUT", 405),
        ("/nothing", "GET", 404),
        ("/inside", "GET", 404),
        ("//items", "GET", 400),
        ("/open/a", "FOO", 200),
        ("/pages/x", "PUT", 200),
        ("/itself", "GET", 200),
    ],
    ids=lambda value: str(value).replace(", ", "+"),
)
def test_what_is_no_preflight_of_ours(place: Place, target: str, method: str, status: int) -> None:
    """An ordinary OPTIONS: a method that nobody serves, a service that lists nobody, a route that names OPTIONS."""
    answer = place.preflight(target, method)
    assert answer.status == status
    assert cors(answer).get("allow-methods") in (None, "PATCH")


def test_what_browsers_never_ask(place: Place) -> None:
    """OPTIONS with a credential, or that asks about nothing, is a call."""
    assert place.ask("OPTIONS", "/items").status == 405
    assert place.ask("OPTIONS", "/open/x").json["method"] == "OPTIONS"
    asks = "Access-Control-Request-Method: GET"
    assert place.known("OPTIONS", "/open/x", asks).json["method"] == "OPTIONS"
    assert place.ask("OPTIONS", "/open/x", asks, asks).json["method"] == "OPTIONS"
    assert place.preflight("/open/x", "GET", origin=None).json["method"] == "OPTIONS"


def test_a_route_that_names_options(place: Place) -> None:
    """Its service answers preflights; who may read is the gate's affair."""
    answer = place.preflight("/itself", "GET")
    assert answer.json["method"] == "OPTIONS"
    assert may_read(answer)
    assert cors(answer)["allow-methods"] == "PATCH"
    assert not may_read(place.preflight("/itself", "GET", origin="https://evil.example"))


@pytest.mark.parametrize("name", UNLISTED)
def test_who_is_not_listed(place: Place, name: str) -> None:
    """Refused when asking before, with a code of its own; no answer is readable, whatever the service said; nothing is echoed."""
    origin = UNLISTED[name]
    asked = place.preflight("/items", "GET", origin=origin)
    assert (asked.status, asked.code) == (403, "cross_origin_not_allowed")
    for answer in (
        asked,
        place.known("GET", "/items", origin=origin),
        place.ask("GET", "/items", origin=origin),
        place.ask("GET", "/open/x", origin=origin),
        place.ask("DELETE", "/items", origin=origin),
    ):
        assert cors(answer).keys() <= {"allow-methods"}, answer
        assert "evil" not in str(answer.headers)


def test_control_characters(place: Place) -> None:
    """A listed origin with something behind that C takes for the end is none."""
    for end in ("\x00", "\x00.evil.example", "\x01", "\x7f", "\x80"):
        answer = place.ask("GET", "/open/x", origin=f"{LISTED}{end}")
        assert cors(answer).get("allow-origin") in (None, LISTED)
        assert (answer.status == 400) or not cors(answer).get("allow-origin"), answer


def test_what_the_service_says_is_replaced(place: Place) -> None:
    """By the gate's own words, on the way that asks, on the one that knows, and on public routes."""
    answers = [place.known("GET", "/items") for _ in range(3)]
    until(lambda: answers.append(place.known("GET", "/items")) or len(answers) > 6)
    for answer in (*answers, place.ask("GET", "/open/x"), place.ask("GET", "/open/missing")):
        assert answer.status in (200, 404)
        assert may_read(answer)
        assert "X-Total-Count" in cors(answer)["expose-headers"]
        assert "X-Secret" not in cors(answer)["expose-headers"]
        assert "Accept" in answer.get("vary")
    stream = place.known("GET", "/open/events", "Accept: text/event-stream")
    assert (stream.body, may_read(stream)) == (b"data: hello\n\n", True)


def test_known_calls_are_told_the_same(place: Place) -> None:
    """What HAProxy lets through alone is readable as well, and is so for who is listed only."""
    log = place.node.data / "log" / "access.log"

    def is_known(answer: Response) -> bool:
        until(lambda: answer.get("x-request-id")[0] in log.read_text())
        line = next(line for line in log.read_text().splitlines() if answer.get("x-request-id")[0] in line)
        return str(json.loads(line)["be"]).startswith("known.")

    until(lambda: is_known(place.known("GET", "/items")), why="the token is known")
    good, evil = place.known("GET", "/items"), place.known("GET", "/items", origin="https://evil.example")
    assert (is_known(good), is_known(evil)) == (True, True)
    assert (may_read(good), may_read(evil)) == (True, False)


def test_without_an_origin(place: Place) -> None:
    """Programs are told nothing new but that it varies, so that no cache hands a page their answer."""
    answer = place.known("GET", "/items", origin=None)
    assert answer.get("vary") == ["Accept", "Origin"]
    assert "allow-origin" not in cors(place.ask("GET", "/items", origin=None))


def test_services_that_list_nobody(place: Place) -> None:
    """What such a service says is its own affair, and so are our own endpoints."""
    answer = place.ask("GET", "/pages/x", origin="https://evil.example")
    assert cors(answer)["allow-credentials"] == "true"
    assert answer.get("vary") == ["Accept"]
    assert not cors(place.ask("GET", "/account", origin=LISTED))


def test_any_page(place: Place) -> None:
    """`*` is answered with `*`, to whoever names an origin."""
    for origin in ("https://who.example", "null", LISTED):
        assert may_read(place.ask("GET", "/free/x", origin=origin), "*")
        assert cors(place.preflight("/free/x", "GET", origin=origin))["allow-origin"] == "*"
    assert cors(place.ask("GET", "/free/x", origin=None)).get("expose-headers") == "X-Secret"


REFUSALS = {
    400: lambda p: p.ask("GET", "/items", "Authorization: Bearer a", "Authorization: Bearer b"),
    401: lambda p: p.ask("GET", "/items"),
    403: lambda p: p.known("GET", "/admin"),
    405: lambda p: p.ask("DELETE", "/items"),
    429: lambda p: [p.ask("GET", "/seldom"), p.ask("GET", "/seldom")][-1],
    431: lambda p: p.ask("GET", "/items", f"Authorization: Bearer {'x' * 9000}"),
    503: lambda p: p.ask("GET", "/down"),
}


@pytest.mark.parametrize("status", REFUSALS)
def test_refusals_are_readable(place: Place, status: int) -> None:
    """The gate's own refusals too, and what they say in header fields."""
    answer = REFUSALS[status](place)
    assert answer.status == status
    assert answer.json["status"] == status
    assert may_read(answer)
    exposed = {name.strip().lower() for name in cors(answer)["expose-headers"].split(",")}
    said = {name.lower() for name, _ in answer.headers}
    assert {"allow", "www-authenticate", "retry-after", "ratelimit", "ratelimit-policy"} & said <= exposed


def test_cookies_open_nothing(place: Place) -> None:
    """A listed page changes nothing with the cookie of a session, and is not told that it may read what the cookie opens."""
    cookie = f"Cookie: {COOKIE}={place.node.begin('ann')[0]}"
    read, changed = (place.ask(method, "/mine", cookie) for method in ("GET", "POST"))
    assert read.status == 200
    assert may_read(read)  # which says that credentials are not allowed
    assert (changed.status, changed.code) == (403, "origin_not_allowed")
    assert may_read(changed)
    assert place.known("POST", "/mine").status == 200


def test_the_internal_listener(place: Place) -> None:
    """It is no page's: nothing is answered before, nothing is named."""
    asked = place.ask("OPTIONS", "/inside", "Access-Control-Request-Method: GET", port=place.internal)
    assert (asked.status, cors(asked)) == (405, {})
    assert place.ask("GET", "/inside", port=place.internal).status == 200
    assert not cors(place.ask("GET", "/items", port=place.internal))


def test_operators_are_told(place: Place) -> None:
    """`sumun explain` knows a preflight by its id, and a refused one; `sumun status` counts it for the service."""
    shell = Shell(place.node.data)

    def explained(answer: Response) -> Any:
        said: list[Any] = []

        def look() -> bool:
            done = shell("explain --json", answer.get("x-request-id")[0])
            said.append(done.code == 0 and done.json)
            return done.code == 0

        until(look, why="the line is written")
        return said[-1]

    allowed = explained(place.preflight("/items", "GET"))
    assert allowed["answered_by"] == "preflight"
    assert "204 for api" in allowed["happened"][0]
    refused = explained(place.preflight("/items", "GET", origin="https://evil.example"))
    assert refused["answered_by"] == "haproxy"
    assert "403 cross_origin_not_allowed" in refused["happened"][0]
    assert "cors.origins" in refused["happened"][0]
    (row,) = [line for line in shell("status").out.splitlines() if "cross_origin_not_allowed" in line]
    assert " api " in f"{row} "


CALL = """fetch('{url}', {{method: '{method}', headers: {{Authorization: 'Bearer {token}', 'X-Tenant': 'a'}}}})
  .then(async answer => ({{status: answer.status, body: await answer.json(), id: answer.headers.get('X-Request-Id'),
    total: answer.headers.get('X-Total-Count'), secret: answer.headers.get('X-Secret')}}))
  .catch(error => ({{error: String(error)}}))"""


def called(place: Place, page: Page, path: str, method: str = "GET", token: str | None = None) -> Any:
    """What a script of the page gets to see."""
    url = f"http://127.0.0.1:{place.node.port}{path}"
    return page.evaluate(CALL.format(url=url, method=method, token=token or place.token))


def page_of(browser: Browser, origin: str) -> Page:
    """A page of this origin."""
    page = browser.page()
    page.go(f"{origin}/")
    return page


def test_in_a_real_browser(place: Place) -> None:
    """A listed page reads answers, refusals and their header fields, and a stream; another reads nothing. A reload changes who
    may, though the browser need not ask again.
    """
    with chromium() as browser:
        app, evil = page_of(browser, place.app), page_of(browser, place.evil)
        for method, path in (("GET", "/items"), ("POST", "/items"), ("PUT", "/items/7")):
            read = called(place, app, path, method)
            assert (read["status"], read["body"]["method"]) == (200, method), read
            assert read["id"]
            assert read["secret"] is None
        assert called(place, app, "/items")["total"] == "3"
        refused = called(place, app, "/admin")
        assert (refused["status"], refused["body"]["code"]) == (403, "insufficient_scope")
        assert refused["id"] == refused["body"]["request_id"]
        assert called(place, app, "/items", token="smn_at_x")["body"]["code"] == "invalid_token"
        assert called(place, app, "/items", "DELETE") == {"error": "TypeError: Failed to fetch"}
        stream = f"http://127.0.0.1:{place.node.port}/open/events"
        assert (
            app.evaluate(
                f"new Promise(told => {{ const s = new EventSource('{stream}');"
                " s.onmessage = e => { s.close(); told(e.data); }; s.onerror = () => told('refused'); })"
            )
            == "hello"
        )
        for path in ("/items", "/admin", "/open/x"):
            assert called(place, evil, path) == {"error": "TypeError: Failed to fetch"}
        assert (
            evil.evaluate(
                f"fetch('http://127.0.0.1:{place.node.port}/open/x').then(a => a.status).catch(() => 'unread')"
            )
            == "unread"
        )
        assert called(place, evil, "/free/x")["error"]  # X-Tenant is a header field of the other service
        assert (
            evil.evaluate(
                f"fetch('http://127.0.0.1:{place.node.port}/free/x').then(a => a.status).catch(() => 'unread')"
            )
            == 200
        )
        with_cookies = f"fetch('http://127.0.0.1:{place.node.port}/items', {{credentials: 'include'}})"
        assert app.evaluate(f"{with_cookies}.then(a => a.status).catch(() => 'unread')") == "unread"

        text = place.node.config.read_text()
        try:
            place.node.config.write_text(text.replace(place.app, place.evil))
            before = place.node.config.with_name("before.yaml")
            before.write_text(text)
            said = Shell(place.node.data)("diff", str(before), str(place.node.config)).out
            assert f"a page of {place.evil} may now call api and read what it answers" in said
            assert f"a page of {place.app} may no longer call api" in said
            Shell(place.node.data).ok("reload")
            # A connection that was open is served by the worker before, once more.
            until(lambda: called(place, app, "/items") == {"error": "TypeError: Failed to fetch"})
            until(lambda: called(place, evil, "/items").get("status") == 200)
        finally:
            place.node.config.write_text(text)
            Shell(place.node.data).ok("reload")


def test_a_source_over_its_limit(haproxy: Path) -> None:
    """Preflights count, and a page may read that it is too much; programs are sent away before anything is looked up."""

    def make(here: World) -> Plan:
        listed = service("s", here.echo.port, cors=Cors((LISTED,)))
        routes = [route("open", "/open/**", "s", access=Access.PUBLIC)]
        return plan(free_ports(1)[0], [listed], routes, bounds=limits(per_source=Rate(3, 3_600_000, 3)))

    with gate_of(haproxy, make) as gate:
        assert gate.plan is not None
        port = gate.plan.listen.port

        def ask(method: str, *lines: str) -> Response:
            head = (f"{method} /open/x HTTP/1.1", "Host: gate.test", "Connection: close", *lines, "", "")
            return parse(send_raw(port, "\r\n".join(head).encode()))

        asks = (f"Origin: {LISTED}", "Access-Control-Request-Method: PUT")
        assert [ask("OPTIONS", *asks).status for _ in range(4)] == [204, 204, 204, 429]
        page, program = ask("GET", f"Origin: {LISTED}"), ask("GET")
        assert (page.status, program.status) == (429, 429)
        assert may_read(page)
        assert not cors(program)
        assert not may_read(ask("GET", "Origin: https://evil.example"))
