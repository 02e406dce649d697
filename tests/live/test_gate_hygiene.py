"""What is not canonical is refused; what only sumun may say never comes from a client. Raw bytes on a real
HAProxy.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sumun.access import Access
from sumun.config.plan import Plan
from tests.live import http2
from tests.live.gate_wire import Response, parse, send_raw
from tests.live.gate_world import World, gate_of
from tests.live.ports import free_ports
from tests.unit.haproxy.plans import plan, route, service

TARGET, HEADER, HOST, TWO, LARGE = (
    "bad_request_target",
    "bad_header",
    "bad_host",
    "two_credentials",
    "header_too_large",
)
PARSER = ""  # HAProxy's parser refuses before any rule is asked


def _plan(here: World) -> Plan:
    (listen,) = free_ports(1)
    routes = [
        route("open", "/open/**", "s", access=Access.PUBLIC),
        route("asked", "/asked/**", "s"),
        route("one", "/one/{id}", "s", access=Access.PUBLIC),
        route("strict", "/strict/**", "strict", access=Access.PUBLIC),
        route("strict.asked", "/strict-asked/**", "strict"),
    ]
    services = [service("s", here.echo.port), service("strict", here.echo.port, refuse_trailers=True)]
    return plan(listen, services, routes)


@pytest.fixture(scope="module")
def gate(haproxy: Path) -> Iterator[World]:
    """One gate for all tests of this file."""
    with gate_of(haproxy, _plan) as here:
        yield here


@pytest.fixture(autouse=True)
def _nothing_heard(gate: World) -> None:
    gate.echo.heard.clear()
    gate.http.heard.clear()
    gate.questions.clear()


def call(gate: World, request: bytes) -> Response:
    """Send bytes to the public listener."""
    assert gate.plan is not None
    return parse(send_raw(gate.plan.listen.port, request))


def get(target: bytes, *lines: bytes, host: bytes = b"Host: gate.test", method: bytes = b"GET") -> bytes:
    """A request without a body that closes its connection."""
    head = [method + b" " + target + b" HTTP/1.1", *([host] if host else []), b"Connection: close", *lines]
    return b"\r\n".join(head) + b"\r\n\r\n"


BAD_TARGETS = [
    (b"/open//x", TARGET),
    (b"//open/x", TARGET),
    (b"/open/./x", TARGET),
    (b"/open/../x", TARGET),
    (b"/open/..", TARGET),
    (b"/open/.", TARGET),
    (b"/open/%2e%2e/x", TARGET),
    (b"/open/%2E%2e/x", TARGET),
    (b"/open/.%2e/x", TARGET),
    (b"/open/a%2fb", TARGET),
    (b"/open/a%5cb", TARGET),
    (b"/open/a%25b", TARGET),
    (b"/open/a%3bb", TARGET),
    (b"/open/a%00b", TARGET),
    (b"/open/a%0d%0ab", TARGET),
    (b"/open/a%7fb", TARGET),
    (b"/open/%61b", TARGET),
    (b"/open/%7e", TARGET),
    (b"/open/%2d", TARGET),
    (b"/open/a%", TARGET),
    (b"/open/a%4", TARGET),
    (b"/open/a%zz", TARGET),
    (b"/open/a;x=1", TARGET),
    (b"/open/..;/x", TARGET),
    (b"/open/a\\b", TARGET),
    (b"/open/a|b", TARGET),
    (b"/open/*", TARGET),
    (b'/open/a"b', TARGET),
    (b"/open/a<b>", TARGET),
    (b"/open/a{b}", TARGET),
    (b"/open/a[b]", TARGET),
    (b"/open/a^b`", TARGET),
    (b"/open/%c0%ae%c0%ae/%2e", TARGET),
    (b"/open/a%C0%AFb", TARGET),
    (b"/open/a%ff", TARGET),
    (b"/open/a%E0%80%AFb", TARGET),
    (b"/open/%E0%80%AE%E0%80%AE/x", TARGET),
    (b"/open/%f0%80%80%ae%F0%80%80%AE/x", TARGET),
    (b"/open/%ED%A0%80", TARGET),
    (b"/open/a%E2/b", TARGET),
    (b"/open/a%80", TARGET),
    (b"/open/%F4%90%80%80", TARGET),
    (b"*", PARSER),
    (b"open/x", PARSER),
    (b"/open/a b", PARSER),
    (b"/open/a#b", PARSER),
    (b"/open/\xea\xb9\x80", PARSER),
    (b"/open/a\x01b", PARSER),
    (b"/open/x?a=\x7f", PARSER),
]


@pytest.mark.parametrize(("target", "code"), BAD_TARGETS, ids=repr)
def test_bad_target(gate: World, target: bytes, code: str) -> None:
    """A request target that is not in canonical form is 400 and reaches no service."""
    answer = call(gate, get(target))
    assert answer.status == 400
    if code or answer.get("content-type") == ["application/problem+json"]:
        assert answer.code in ((code,) if code else (TARGET, "bad_request"))
    assert gate.echo.heard == []


GOOD_TARGETS = [
    b"/open/a.b/c..d/...",
    b"/open/.well-known",
    b"/open/~a-b_c!$&'()+,=:@",
    b"/open/%EA%B9%80/%ed%8c%8c/%C3%A9/%F0%9F%98%80",
    b"/open/a%20b%2C%2B%26%40",
    b"/open/x?",
    b'/open/x?a=1&b=%2F%00;c=../..//|{}[]\\^`"<>',
    b"/open/x?access_tokens=1&my_access_token=2",
    b"/open/",
    b"/open",
]


@pytest.mark.parametrize("target", GOOD_TARGETS, ids=repr)
def test_good_target(gate: World, target: bytes) -> None:
    """A canonical target passes, and arrives as it was sent."""
    assert call(gate, get(target)).status == 200
    assert gate.echo.heard[-1].line == f"GET {target.decode()} HTTP/1.1"


def test_odd_target_of_a_template(gate: World) -> None:
    """A placeholder takes no segment that the gate refuses, and never an empty one."""
    assert call(gate, get(b"/one/*")).code == TARGET
    assert call(gate, get(b"/one/%2e")).code == TARGET
    assert call(gate, get(b"/one/")).code == "route_not_found"
    assert call(gate, get(b"/one/a/b")).code == "route_not_found"
    assert call(gate, get(b"/one/%EA%B9%80")).status == 200


def test_absolute_form(gate: World) -> None:
    """An absolute-form target (RFC 9112 3.2.2) is authorized and sent as origin-form; another host in it is
    refused.
    """
    answer = call(gate, get(b"http://gate.test/open/x?y=1"))
    assert answer.status == 200
    assert gate.echo.heard[-1].line == "GET /open/x?y=1 HTTP/1.1"
    assert call(gate, get(b"http://other.test/open/x")).status == 400
    assert call(gate, get(b"http://gate.test/open/../x")).code == TARGET
    assert call(gate, get(b"http://gate.test")).status in (400, 404)
    assert len(gate.echo.heard) == 1


@pytest.mark.parametrize("method", [b"TRACE", b"get", b"PROPFIND", b"X"], ids=repr)
def test_unusual_method(gate: World, method: bytes) -> None:
    """A method that no route can name is 405, with those that one can."""
    answer = call(gate, get(b"/open/x", method=method))
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer.get("Allow") == ["DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"]
    assert gate.echo.heard == []


def test_connect(gate: World) -> None:
    """CONNECT makes no tunnel."""
    request = b"CONNECT gate.test:80 HTTP/1.1\r\nHost: gate.test:80\r\n\r\n"
    assert call(gate, request).status == 400
    assert gate.echo.heard == []


BAD_HOSTS = [
    (b"", HOST),
    (b"Host:", HOST),
    (b"Host: a@b", HOST),
    (b"Host: gate.test:80:80", HOST),
    (b"Host: gate.test/x", HOST),
    (b"Host: gate test", HOST),
    (b"Host: gate.test, other.test", HOST),
    (b"Host: gate.test\r\nHost: other.test", PARSER),
    (b"Host : gate.test", PARSER),
    (b"Host: gate.test.", HOST),
    (b"Host: .gate.test", HOST),
    (b"Host: gate..test:80", HOST),
]


@pytest.mark.parametrize(("host", "code"), BAD_HOSTS, ids=repr)
def test_bad_host(gate: World, host: bytes, code: str) -> None:
    """A missing, doubled or odd Host is 400 (RFC 9112 3.2)."""
    answer = call(gate, get(b"/open/x", host=host))
    assert answer.status == 400
    if answer.get("content-type") == ["application/problem+json"]:
        assert answer.code in (HOST, "bad_request")
    assert gate.echo.heard == []


@pytest.mark.parametrize(
    "host", [b"gate.test", b"Gate.Test:8080", b"127.0.0.1:80", b"[::1]:8080", b"a-b_c"], ids=repr
)
def test_good_host(gate: World, host: bytes) -> None:
    """Names and addresses, with or without a port, pass."""
    assert call(gate, get(b"/open/x", host=b"Host: " + host)).status == 200


BAD_HEADERS = [
    ("NUL in a value", [b"X-A: a\x00b"], HEADER),
    ("control character in a value", [b"X-A: a\x01b"], HEADER),
    ("DEL in a value", [b"X-A: a\x7fb"], HEADER),
    ("CR in a value", [b"X-A: a\rb"], PARSER),
    ("space in a name", [b"X A: b"], PARSER),
    ("space before the colon", [b"X-A : b"], PARSER),
    ("empty name", [b": b"], PARSER),
    ("no colon", [b"X-A"], PARSER),
    ("different lengths", [b"Content-Length: 1", b"Content-Length: 2"], PARSER),
    ("signed length", [b"Content-Length: +1"], PARSER),
    ("empty length", [b"Content-Length:"], PARSER),
    ("unknown coding", [b"Transfer-Encoding: xchunked"], PARSER),
    ("chunked is not last", [b"Transfer-Encoding: chunked, identity"], PARSER),
    ("chunked twice", [b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"], PARSER),
    ("two Authorization headers", [b"Authorization: Bearer good", b"Authorization: Bearer good"], TWO),
    ("two schemes", [b"Authorization: Basic YTpi", b"Authorization: Bearer good"], TWO),
]


@pytest.mark.parametrize("path", [b"/open/x", b"/asked/x"], ids=repr)
@pytest.mark.parametrize(("what", "lines", "code"), BAD_HEADERS, ids=lambda value: str(value)[:30])
def test_bad_header(gate: World, path: bytes, what: str, lines: list[bytes], code: str) -> None:
    """Header fields that two programs could read differently are 400, wherever they go."""
    answer = call(gate, get(path, *lines))
    assert answer.status == 400, what
    if code == TWO or answer.get("content-type") == ["application/problem+json"]:
        assert answer.code in (code, "bad_request")
    assert gate.echo.heard == []
    assert gate.questions == []


def test_two_credentials_in_query_and_header(gate: World) -> None:
    """A token in the query beside one in the header is 400; alone it is no credential here (RFC 6750 2.3)."""
    both = get(b"/asked/x?a=1&access_token=good", b"Authorization: Bearer good")
    assert call(gate, both).code == TWO
    assert call(gate, get(b"/asked/x?access_token=good")).code == "no_credential"
    assert gate.echo.heard == []


def test_old_version_with_transfer_encoding(gate: World) -> None:
    """HTTP/1.0 with Transfer-Encoding has faulty framing (RFC 9112 6.1) and is refused."""
    request = (
        b"POST /open/x HTTP/1.0\r\nHost: gate.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
    )
    assert call(gate, request).status in (400, 413)
    assert gate.echo.heard == []


def test_length_and_chunked(gate: World) -> None:
    """With Content-Length and Transfer-Encoding the length is dropped before the service sees it (RFC 9112 6.3)."""
    smuggled = b"GET /asked/secret HTTP/1.1\r\nHost: gate.test\r\n\r\n"
    lines = [b"Content-Length: 4", b"Transfer-Encoding: chunked"]
    request = get(b"/open/x", *lines, method=b"POST") + b"0\r\n\r\n" + smuggled
    call(gate, request)
    for heard in gate.echo.heard:
        assert not (heard.get("content-length") and heard.get("transfer-encoding"))
        assert heard.line == "POST /open/x HTTP/1.1"
    assert gate.questions == []


@pytest.mark.parametrize("coding", [b"Chunked", b"CHUNKED", b"\tchunked ", b"\r\n chunked"], ids=repr)
def test_one_spelling_of_chunked(gate: World, coding: bytes) -> None:
    """However it is written (RFC 9112 7: in any case), a service is told `chunked`: to one that knows no `Chunked` the
    body would be a request of its own, past the gate.
    """
    smuggled = b"GET /asked/secret HTTP/1.1\r\nHost: gate.test\r\nX-User-Id: root\r\n\r\n"
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(smuggled), smuggled)
    assert call(gate, get(b"/open/x", b"Transfer-Encoding: " + coding, method=b"POST") + body).status == 200
    (heard,) = gate.echo.heard
    assert (heard.get("transfer-encoding"), heard.body) == (["chunked"], smuggled)


@pytest.mark.parametrize("scheme", [b"ftp", b"HTTP", b"http+unix", b"javascript"], ids=repr)
def test_scheme_over_http2(gate: World, scheme: bytes) -> None:
    """Another `:scheme` than ours is refused: a service would be sent `ftp://gate.test/open/x` for a target."""
    assert gate.plan is not None
    fields = [(b":method", b"GET"), (b":path", b"/open/x"), (b":authority", b"gate.test")]
    answer = http2.call(gate.plan.listen.port, [(b":scheme", scheme), *fields])
    assert (answer.status, json.loads(answer.body)["code"]) == (400, TARGET)
    assert gate.echo.heard == []
    for ours in (b"http", b"https"):
        assert http2.call(gate.plan.listen.port, [(b":scheme", ours), *fields]).status == 200
        assert gate.echo.heard[-1].line == "GET /open/x HTTP/1.1"


def _over_http2(*more: tuple[bytes, bytes], **pseudo: bytes) -> list[tuple[bytes, bytes]]:
    names = {"method": b"GET", "scheme": b"http", "path": b"/open/x", "authority": b"gate.test"} | pseudo
    return [*((f":{name}".encode(), value) for name, value in names.items()), *more]


@pytest.mark.parametrize(
    "fields",
    [
        _over_http2(path=b"http://evil.test/open/x"),
        _over_http2(path=b"open/x"),
        _over_http2(path=b"/open/x#y"),
        _over_http2(path=b"/open/../x"),
        _over_http2(path=b"/open/x HTTP/1.1\r\nX-User-Id: root"),
        _over_http2(method=b"GET /asked/x HTTP/1.1\r\nA:"),
        _over_http2(method=b"GET "),
        _over_http2(scheme=b"http://evil.test/a?"),
        _over_http2(authority=b"root@gate.test"),
        _over_http2(authority=b""),
        [*_over_http2(), (b":path", b"/asked/x")],
        _over_http2((b"x-a", b"a\r\nx-user-id: root")),
        _over_http2((b"x-a", b"a\nx-user-id: root")),
        _over_http2((b"x-a", b"a\x00b")),
        _over_http2((b"x-a: b\r\nx-user-id", b"root")),
        _over_http2((b"x-user-id ", b"root")),
        _over_http2((b"X-User-Id", b"root")),
        _over_http2((b"transfer-encoding", b"chunked")),
        _over_http2((b"connection", b"x-user-id")),
        _over_http2((b"upgrade", b"h2c")),
        _over_http2((b"content-length", b"0"), (b"content-length", b"5")),
    ],
    ids=map(str, itertools.count()),
)
def test_http2_smuggles_nothing(gate: World, fields: list[tuple[bytes, bytes]]) -> None:
    """What HTTP/2 can say and HTTP/1.1 cannot is refused, and never becomes lines of a request to a service."""
    assert gate.plan is not None
    answer = http2.call(gate.plan.listen.port, fields)
    assert answer.reset or answer.status == 400
    assert gate.echo.heard == []


def test_folded_header(gate: World) -> None:
    """A folded header field is joined with spaces (RFC 9112 5.2): it hides no second field."""
    answer = call(gate, get(b"/open/x", b"X-A: a\r\n X-User-Id: root"))
    if answer.status == 200:
        assert "x-user-id" not in gate.echo.heard[-1].names
        assert "root" in gate.echo.heard[-1].get("x-a")[0]
    else:
        assert answer.status == 400


FORGED = [
    b"X-User-Id: root",
    b"x-user-id: root",
    b"X-USER-ID: root",
    b"X_User_Id: root",
    b"X-User_Id: root",
    b"X.User.Id: root",
    b"X-User-Name: root",
    b"X-User-Roles: root",
    b"X-User-Permissions: *:*",
    b"X-Client-Id: shop",
    b"X-Token-Id: t",
    b"X-Request-Id: mine",
    b"X-Identity-Token: eyJ",
    b"X-Sumun-Source: 1.2.3.4",
    b"X-Sumun-Listener: operator",
    b"X-Forwarded-For: 1.2.3.4",
    b"X-Forwarded-Host: evil",
    b"X-Forwarded-Prefix: /x",
    b"Forwarded: for=1.2.3.4",
    b"X-Real-IP: 1.2.3.4",
    b"True-Client-IP: 1.2.3.4",
    b"X-Original-URL: /admin",
    b"X-Rewrite-URL: /admin",
    b"X-HTTP-Method-Override: DELETE",
    b"X-Method-Override: DELETE",
    b"Proxy: http://evil",
    b"Proxy-Authorization: Basic YTpi",
    b"Proxy-Connection: keep-alive",
    b"Keep-Alive: timeout=5",
    b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
    b"Trailer: X-User-Id",
    b"TE: gzip",
    b"any_thing: 1",
    b"X-User: root",
    b"X-User-Email: root@bank.example",
    b"X-Username: root",
    b"X-Auth-Request-User: root",
    b"X-Authenticated-Userid: root",
    b"X-Consumer-Username: root",
    b"X-WebAuth-User: root",
    b"X-SSL-Client-Verify: SUCCESS",
    b"SSL-Client-Cert: MII",
    b"Client-Cert: :MII=:",
    b"Client-Cert-Chain: :MII=:",
    b"X-Forwarded: for=1.2.3.4",
    b"Forwarded-For: 1.2.3.4",
    b"CF-Connecting-IP: 1.2.3.4",
    b"Fastly-Client-IP: 1.2.3.4",
    b"X-Envoy-External-Address: 1.2.3.4",
    b"X-Host: evil",
]


@pytest.mark.parametrize("path", [b"/open/x", b"/asked/x"], ids=repr)
@pytest.mark.parametrize("line", FORGED, ids=repr)
def test_taken_away(gate: World, path: bytes, line: bytes) -> None:
    """What only sumun, or only the next hop, may say is taken away in any spelling, on public routes too."""
    answer = call(gate, get(path, line, b"Authorization: Bearer good", b"X-Kept: yes"))
    assert answer.status == 200
    heard = gate.echo.heard[-1]
    name, _, value = line.decode().partition(": ")
    assert value not in heard.get(name)
    assert all("_" not in other and "." not in other for other in heard.names)
    assert heard.get("x-user-id") == (["u-alice"] if path == b"/asked/x" else [])
    assert heard.get("x-forwarded-for") == ["127.0.0.1"]
    assert heard.get("x-kept") == ["yes"]


def test_forged_twice(gate: World) -> None:
    """Many copies of a forged header are all taken away."""
    lines = [b"X-User-Id: a", b"X-User-Id: b", b"X_User_Id: c", b"X-User-Roles: admin"] * 5
    assert call(gate, get(b"/asked/x", *lines, b"Authorization: Bearer good")).status == 200
    assert gate.echo.heard[-1].get("x-user-id") == ["u-alice"]
    assert gate.echo.heard[-1].get("x-user-roles") == ["admin"]


@pytest.mark.parametrize(
    "connection",
    [b"close, X-User-Id", b"X-User-Id", b"keep-alive, Authorization", b"close, X-Request-Id, X-User-Roles"],
    ids=repr,
)
def test_connection_names_our_headers(gate: World, connection: bytes) -> None:
    """A client cannot make the next hop drop the identity by naming it in Connection (RFC 9110 7.6.1)."""
    request = get(b"/asked/x", b"Authorization: Bearer good").replace(
        b"Connection: close", b"Connection: " + connection
    )
    assert call(gate, request).status == 200
    heard = gate.echo.heard[-1]
    assert heard.get("x-user-id") == ["u-alice"]
    assert all("x-user" not in value.lower() for value in heard.get("connection"))


@pytest.mark.parametrize(
    "lines",
    [
        [
            b"Upgrade: h2c",
            b"Connection: Upgrade, HTTP2-Settings",
            b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
        ],
        [b"Upgrade: websocket, h2c", b"Connection: Upgrade"],
        [b"Upgrade: websocket", b"Upgrade: h2c", b"Connection: Upgrade"],
        [b"Upgrade: h2c", b"Upgrade: websocket", b"Connection: Upgrade"],
    ],
    ids=repr,
)
def test_upgrade_to_http2(gate: World, lines: list[bytes]) -> None:
    """Nobody upgrades to HTTP/2 through the gate: behind such a tunnel no request would be looked at."""
    request = get(b"/open/x", *lines).replace(b"Connection: close\r\n", b"")
    answer = call(gate, request)
    assert answer.status in (200, 400)
    for heard in gate.echo.heard:
        assert heard.get("upgrade") == []
        assert heard.get("http2-settings") == []


def test_trailers_are_no_headers(gate: World) -> None:
    """A forged trailer never becomes a header field; the service is not told to expect it."""
    body = b"3\r\nabc\r\n0\r\nX-User-Id: root\r\nX-User-Roles: admin\r\n\r\n"
    lines = [b"Transfer-Encoding: chunked", b"Trailer: X-User-Id", b"Authorization: Bearer good"]
    assert call(gate, get(b"/asked/x", *lines, method=b"POST") + body).status == 200
    heard = gate.echo.heard[-1]
    assert heard.body == b"abc"
    assert heard.get("x-user-id") == ["u-alice"]
    assert "trailer" not in heard.names


STRICT = ["/strict/x", "/strict-asked/x"]
FORGED = b"X-User-Id: root\r\nX-User-Roles: admin\r\n"


def is_refused_or_bare(gate: World, status: int) -> bool:
    """No trailer reached the service: the request was 400 (HAProxy before 3.2), or came without them."""
    return (status, gate.echo.heard) == (400, []) or (
        status == 200 and [heard.trailers for heard in gate.echo.heard] == [()]
    )


@pytest.mark.parametrize("path", STRICT)
@pytest.mark.parametrize("chunks", [0, 1, 60])
def test_trailers_are_refused(gate: World, path: str, chunks: int) -> None:
    """Where a service wants none, a request that has them never comes to its end, however large; without, it is as ever."""
    chunk = b"1000\r\n" + b"a" * 4096 + b"\r\n"
    lines = [b"Transfer-Encoding: chunked", b"Authorization: Bearer good"]
    request = get(path.encode(), *lines, method=b"POST") + chunk * chunks + b"0\r\n"
    assert is_refused_or_bare(gate, call(gate, request + FORGED + b"\r\n").status)
    gate.echo.heard.clear()
    assert call(gate, request + b"\r\n").status == 200
    assert gate.echo.heard[-1].body == b"a" * 4096 * chunks


@pytest.mark.parametrize("path", STRICT)
@pytest.mark.parametrize(("method", "body"), [("GET", b""), ("POST", b"abc"), ("POST", b"a" * 10_000)])
def test_trailers_are_refused_over_http2(gate: World, path: str, method: str, body: bytes) -> None:
    """The same over HTTP/2, where a GET without a body may have them, too (RFC 9113 8.1)."""
    assert gate.plan is not None
    fields = http2.fields(method, path, (b"authorization", b"Bearer good"))
    answer = http2.call(gate.plan.listen.port, fields, body, trailers=[(b"x-user-id", b"root")])
    assert is_refused_or_bare(gate, answer.status)
    gate.echo.heard.clear()
    assert http2.call(gate.plan.listen.port, fields, body).status == 200
    assert gate.echo.heard[-1].body == body


def test_large_token(gate: World) -> None:
    """A token of 8 KiB works; a longer one is 431 and hurts nobody else."""
    assert call(gate, get(b"/asked/x", b"Authorization: Bearer " + b"x" * 8192)).status == 200
    for size in (8193, 10_000, 14_000):
        for path in (b"/asked/x", b"/open/x"):
            answer = call(gate, get(path, b"Authorization: Bearer " + b"x" * size))
            assert (answer.status, answer.code) == (431, LARGE)
    assert len(gate.echo.heard) == 1
    # More than HAProxy's buffer holds: its parser refuses, in its own words.
    assert call(gate, get(b"/asked/x", b"Authorization: Bearer " + b"x" * 20_000)).status in (400, 431)
    assert call(gate, get(b"/asked/x", b"Authorization: Bearer good")).status == 200


def test_many_headers(gate: World) -> None:
    """More header fields than HAProxy keeps are refused, not cut."""
    answer = call(gate, get(b"/open/x", *[b"X-%d: 1" % n for n in range(150)]))
    assert answer.status in (400, 431)
    assert gate.echo.heard == []


def test_expressions_do_not_give_up(gate: World) -> None:
    """The longest head that fits, made to be hard on regular expressions, is judged right and quickly."""
    filler = [b"Authorizatio: " + b"a" * 100] * 40 + [b"Connection-: " + b"x-user-id:" * 30] * 15
    assert call(gate, get(b"/open/x", *filler)).status == 200
    assert call(gate, get(b"/open/x", *filler, b"X-User-Id: root")).status == 200
    assert "x-user-id" not in gate.echo.heard[-1].names
    assert call(gate, get(b"/open/" + b"a/" * 3000)).status == 200
    assert call(gate, get(b"/open/" + b"a/" * 3000 + b"..")).code == TARGET
    assert call(gate, get(b"/open/x?" + b"access_toke&" * 500)).status == 200


def test_request_ids(gate: World) -> None:
    """Each request has an id of ours, told to the service and to the caller, and no two are the same."""
    ids = set()
    for _ in range(20):
        answer = call(gate, get(b"/open/x", b"X-Request-Id: mine"))
        assert gate.echo.heard[-1].get("x-request-id") == answer.get("x-request-id")
        ids.add(answer.get("x-request-id")[0])
    assert len(ids) == 20
    assert "mine" not in ids


def test_log_lines_are_json(gate: World) -> None:
    """Whatever a client writes, its line in the access log is JSON, complete, and not longer than it may be."""
    long = b"/open/" + b"a/%EA" * 2500
    hostile = [
        get(long),
        get(b"/open/x", host=b"Host: " + b'\xff\xfe"\\' * 300),
        get(b"/open/x", host=b"Host: \xea\xb9"),
        get(b"/open/x", method=b"M" * 500),
        get(b'/open/"\\<>'),
        get(b"/open/x", b'X-A: \x01"\\', b'Authorization: Bearer "\\\xff'),
        get(b"/asked/x", b'Authorization: Bearer "\\\xff'),
    ]
    before = len(gate.log())
    for request in hostile:
        call(gate, request)
    call(gate, get(b"/open/last"))
    deadline = time.monotonic() + 60
    while gate.log()[-1]["path"] != "/open/last":
        assert time.monotonic() < deadline
    lines = (gate.folder / "access.log").read_bytes().splitlines()[before:]
    assert len(lines) == len(hostile) + 1
    assert all(len(line) < 8192 for line in lines)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([b"Expect: 100-continue"], ["100-continue"]),
        ([b"Expect: 100-Continue"], ["100-Continue"]),
        ([b"Expect: 200-ok"], []),
        ([b"Expect: y 100-continue"], []),
        ([b"Expect: 100-continue, x"], []),
        ([b"Expect: 100-continue", b"Expect: x"], []),
        ([b"Expect:"], []),
    ],
    ids=map(str, itertools.count()),
)
def test_one_expectation(gate: World, lines: list[bytes], told: list[str]) -> None:
    """A service hears of no expectation but the one that there is (RFC 9110 10.1.1), once; the call is answered all the same."""
    head = get(b"/open/x", b"Content-Length: 3", *lines, method=b"POST")
    assert call(gate, head + b"abc").status == 200
    assert [value for name, value in gate.echo.heard[-1].headers if name.lower() == "expect"] == told
