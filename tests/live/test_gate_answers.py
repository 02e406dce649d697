"""What callers get: allowed, refused for the right reason, or told that it is our fault. HAProxy and SPOE are
real.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sumun.access import Access
from sumun.config.plan import Plan
from tests.live.gate_wire import GOOD, bearer, request
from tests.live.gate_world import World, gate_of
from tests.live.ports import free_ports
from tests.unit.haproxy.plans import plan, route, service


def _plan(here: World) -> Plan:
    listen, internal, operator, nobody = free_ports(4)
    echo = here.echo.port
    return plan(
        listen,
        [service("shop", echo), service("gone", nobody)],
        [
            route("products.list", "/products", "shop", "GET"),
            route("products.one", "/products/{id}", "shop", "GET", "DELETE"),
            route("keeps", "/keeps", "shop", keeps_authorization=True),
            route("public", "/public/**", "shop", access=Access.PUBLIC),
            route("stats", "/internal/stats", "shop", "GET", access=Access.INTERNAL),
            route("gone", "/gone", "gone", access=Access.PUBLIC),
        ],
        internal=internal,
        operator=operator,
    )


@pytest.fixture(scope="module")
def gate(haproxy: Path) -> Iterator[World]:
    """One gate for all tests of this file."""
    with gate_of(haproxy, _plan) as here:
        yield here


@pytest.fixture(autouse=True)
def _well(gate: World) -> Iterator[None]:
    gate.mood[0] = "well"
    gate.questions.clear()
    gate.echo.heard.clear()
    yield
    gate.mood[0] = "well"


def _port(gate: World) -> int:
    assert gate.plan is not None
    return gate.plan.listen.port


def test_good_token(gate: World) -> None:
    """A good token is let through, the service is told who calls, and never sees the token."""
    answer = request(_port(gate), "GET", "/products/7?sort=up", [GOOD])
    assert answer.status == 200
    heard = gate.echo.heard[-1]
    assert heard.line == "GET /products/7?sort=up HTTP/1.1"
    assert heard.get("X-User-Id") == ["u-alice"]
    assert heard.get("X-User-Name") == ["%EC%95%A8%EB%A6%AC%EC%8A%A4"]
    assert heard.get("X-User-Permissions") == ["product:create,product:read"]
    assert heard.get("X-Request-Id") == answer.get("X-Request-Id")
    assert "authorization" not in heard.names
    assert "x-identity-token" not in heard.names


def test_question(gate: World) -> None:
    """The question has the arguments of docs/architecture.md, with their types."""
    request(_port(gate), "GET", "/products/7", [GOOD])
    assert gate.questions[-1] == {
        "gen": "1",
        "route": "products.one",
        "lst": "public",
        "kind": "bearer",
        "cred": "good",
        "stream": None,
        "kept": None,
    }


@pytest.mark.parametrize(
    ("headers", "status", "code", "challenge"),
    [
        ([], 401, "no_credential", 'Bearer realm="sumun"'),
        ([("Authorization", "Basic YTpi")], 401, "no_credential", 'Bearer realm="sumun"'),
        ([bearer("bad")], 401, "invalid_token", 'Bearer realm="sumun", error="invalid_token"'),
        ([bearer("")], 401, "no_credential", 'Bearer realm="sumun"'),
        (
            [bearer("weak")],
            403,
            "insufficient_scope",
            'Bearer realm="sumun", error="insufficient_scope", scope="product:create"',
        ),
    ],
)
def test_refused(gate: World, headers: list[tuple[str, str]], status: int, code: str, challenge: str) -> None:
    """A refusal is problem+json with the answer's code, challenge and request id; the service hears nothing."""
    answer = request(_port(gate), "GET", "/products", headers)
    assert (answer.status, answer.code) == (status, code)
    assert answer.get("WWW-Authenticate") == [challenge]
    assert answer.get("Cache-Control") == ["no-store"]
    assert answer.json["request_id"] == answer.get("X-Request-Id")[0]
    assert answer.json["status"] == status
    assert answer.json["type"] == "about:blank"
    assert gate.echo.heard == []


@pytest.mark.parametrize("spelling", ["bearer", "BEARER", "Bearer  ", "bEaReR    "])
def test_scheme_spelling(gate: World, spelling: str) -> None:
    """The scheme is case-insensitive and one or more spaces follow it (RFC 9110 11.1, 11.4)."""
    answer = request(
        _port(gate),
        "GET",
        "/products",
        [("Authorization", f"{spelling.rstrip()} {' ' * spelling.count(' ')}good")],
    )
    assert answer.status == 200
    assert gate.questions[-1]["cred"] == "good"


def test_comma(gate: World) -> None:
    """A comma does not cut a credential: the whole of it is judged."""
    answer = request(_port(gate), "GET", "/products", [("Authorization", "Bearer good, Bearer other")])
    assert (answer.status, answer.code) == (401, "invalid_token")
    assert gate.questions[-1]["cred"] == "good, Bearer other"


@pytest.mark.parametrize("token", ["half", "no", "outage"])
def test_not_allowed_is_never_let_through(gate: World, token: str) -> None:
    """Without `allow`, or with `allow` false, nothing is let through; it is our fault then, so 503."""
    answer = request(_port(gate), "GET", "/products", [bearer(token)])
    assert (answer.status, answer.code) == (503, "decision_unavailable")
    assert answer.get("Retry-After") == ["1"]
    assert gate.echo.heard == []


@pytest.mark.parametrize("mood", ["silent", "close", "garbage", "empty"])
def test_broken_answerer(gate: World, mood: str) -> None:
    """An answerer that is silent, hangs up, talks nonsense or says nothing gives 503, never 401 or an allow."""
    gate.mood[0] = mood
    answer = request(_port(gate), "GET", "/products", [GOOD])
    assert (answer.status, answer.code) == (503, "decision_unavailable")
    assert gate.echo.heard == []
    gate.mood[0] = "well"
    assert request(_port(gate), "GET", "/products", [GOOD]).status == 200


def test_public(gate: World) -> None:
    """A public route is not asked about, its service is told nobody's identity, and gets no Authorization header."""
    answer = request(_port(gate), "GET", "/public/a/b", [GOOD, ("X-User-Id", "root")])
    assert answer.status == 200
    assert gate.questions == []
    assert not {"authorization", "x-user-id"} & gate.echo.heard[-1].names


def test_keeps_authorization(gate: World) -> None:
    """A route that keeps the Authorization header by name forwards it."""
    assert request(_port(gate), "GET", "/keeps", [GOOD]).status == 200
    assert gate.echo.heard[-1].get("Authorization") == ["Bearer good"]


def test_unknown_path_and_method(gate: World) -> None:
    """An unknown path is 404; a known path with another method is 405 with Allow."""
    assert request(_port(gate), "GET", "/nope", [GOOD]).code == "route_not_found"
    answer = request(_port(gate), "PUT", "/products/7", [GOOD])
    assert (answer.status, answer.code, answer.get("Allow")) == (405, "method_not_allowed", ["DELETE, GET"])
    assert gate.questions == []


def test_internal_listener(gate: World) -> None:
    """An internal route exists on the internal listener alone, and needs no token there; others do."""
    assert gate.plan is not None
    assert gate.plan.internal is not None
    assert request(_port(gate), "GET", "/internal/stats", [GOOD]).code == "route_not_found"
    assert request(gate.plan.internal.port, "GET", "/internal/stats").status == 200
    assert gate.questions == []
    assert request(gate.plan.internal.port, "GET", "/products").status == 401
    assert gate.questions[-1]["lst"] == "internal"


def test_own_paths(gate: World) -> None:
    """Our own paths go to the HTTP process, which hears where the call came from, whatever the client claims."""
    forged = [
        ("X-Sumun-Source", "1.2.3.4"),
        ("X-Sumun-Listener", "operator"),
        ("X_Sumun_Listener", "operator"),
    ]
    answer = request(_port(gate), "POST", "/oauth/token", [*forged, ("Authorization", "Basic YTpi")], b"a=b")
    assert answer.status == 200
    heard = gate.http.heard[-1]
    assert heard.get("X-Sumun-Source") == ["127.0.0.1"]
    assert heard.get("X-Sumun-Listener") == ["public"]
    assert heard.get("Authorization") == ["Basic YTpi"]
    assert "x_sumun_listener" not in heard.names
    assert heard.get("X-Request-Id") == answer.get("X-Request-Id")
    assert heard.body == b"a=b"


def test_healthz(gate: World) -> None:
    """`/healthz` is 200 on every listener while an answerer and the HTTP process are there."""
    assert gate.plan is not None
    for address in (gate.plan.listen, gate.plan.internal, gate.plan.operator):
        assert address is not None
        assert request(address.port, "GET", "/healthz").json == {"status": "ok"}


def test_metrics(gate: World) -> None:
    """Metrics are on the operator's listener only: HAProxy's own, and the HTTP process's."""
    assert gate.plan is not None
    assert gate.plan.operator is not None
    assert (
        b"haproxy_process_uptime_seconds" in request(gate.plan.operator.port, "GET", "/metrics/haproxy").body
    )
    assert request(gate.plan.operator.port, "GET", "/metrics").status == 200
    assert gate.http.heard[-1].get("X-Sumun-Listener") == ["operator"]
    for path in ("/metrics", "/metrics/haproxy"):
        assert request(_port(gate), "GET", path).status == 404


def test_service_down(gate: World) -> None:
    """A service that is not there is 503 `service_unavailable`."""
    answer = request(_port(gate), "GET", "/gone")
    assert (answer.status, answer.code, answer.get("Retry-After")) == (503, "service_unavailable", ["1"])
    assert answer.json["request_id"] == answer.get("X-Request-Id")[0]


def test_service_slow(gate: World) -> None:
    """A service that does not answer in time is 504 `service_timeout`."""
    answer = request(_port(gate), "GET", "/public/slow")
    assert (answer.status, answer.code) == (504, "service_timeout")


@pytest.mark.parametrize("path", ["/public/close", "/public/garbage"])
def test_service_talks_nonsense(gate: World, path: str) -> None:
    """A service that hangs up or does not speak HTTP is 502 `bad_service_response`, and is not asked twice."""
    answer = request(_port(gate), "GET", path)
    assert (answer.status, answer.code) == (502, "bad_service_response")
    assert len(gate.echo.heard) == 1


def test_access_log(gate: World) -> None:
    """Each request is one JSON line that says who, what and why, and holds neither query nor token."""
    request(_port(gate), "GET", '/public/"quoted"')
    answer = request(_port(gate), "GET", "/products/7?secret=s3cret", [bearer("bad-t0ken")])
    let_in = request(_port(gate), "GET", "/products", [GOOD])
    refused = gate.logged(answer)
    assert (refused["st"], refused["code"], refused["why"]) == (401, "invalid_token", "unknown")
    assert (refused["route"], refused["path"], refused["m"]) == ("products.one", "/products/7", "GET")
    assert (gate.logged(let_in)["who"], gate.logged(let_in)["client"]) == ("user:alice", "shop-app")
    assert gate.logged(let_in)["held"] == "opaque;admin;;*:*"
    assert refused["held"] == "-"
    text = (gate.folder / "access.log").read_text()
    assert "s3cret" not in text
    assert "bad-t0ken" not in text
