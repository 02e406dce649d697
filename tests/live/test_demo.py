"""The demo contract, from outside: what a visitor is promised, each promise called through the running gateway."""

from __future__ import annotations

import base64
import http.client
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import websockets.sync.client
from joserfc import jwt
from joserfc.jwk import KeySet
from websockets.exceptions import InvalidStatus

from tests.live.demo_node import DemoNode, call, whole_lines

JWT = "urn:ietf:params:oauth:token-type:jwt"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoNode]:
    """One running demo for all tests of this file."""
    node = DemoNode(
        Path("/tmp") / f"smn-demo-{tmp_path_factory.mktemp('d').parent.name}-{time.time_ns() % 10**6}"
    )
    node.start()
    yield node
    family = node.family()
    assert node.stop() == 0
    left = {pid for pid in family if Path(f"/proc/{pid}").exists()}
    assert not left, f"processes left behind: {left}"
    assert not list(node.data.glob("run/*.sock")), "sockets left behind"
    subprocess.run(["rm", "-rf", str(node.data)], check=True)


@pytest.mark.parametrize(
    ("who", "roles", "permissions"),
    [
        ("alice", ["admin"], {"product:*", "order:*", "report:*"}),
        ("bob", ["user"], {"product:read", "order:read"}),
        ("carol", [], {"product:create"}),
        ("dave", ["user"], {"product:read", "order:read"}),
    ],
)
def test_everybody_logs_in_and_is_told_apart(
    demo: DemoNode, who: str, roles: list[str], permissions: set[str]
) -> None:
    """Each of the four people gets a token, and the service behind sees who they are."""
    token = demo.log_in(who)
    answer = (
        demo.call("POST", "/products", token, body='{"name":"x"}')
        if who == "carol"
        else demo.call("GET", "/products", token)
    )
    assert answer.status in (200, 201)
    you = answer.json["you"]
    assert you["user_id"] == who
    assert you["user_roles"] == roles
    assert set(you["user_permissions"]) == permissions
    assert you["client_id"] == "shop-app"
    assert token not in answer.body.decode()


def test_a_token_response_is_what_rfc_6749_says(demo: DemoNode) -> None:
    """RFC 6749 5.1: the fields, the type, and no cache may keep it."""
    answer = demo.form(
        "/oauth/token",
        {"grant_type": "password", "client_id": "shop-app", "username": "bob", "password": "bob-demo-pass"},
    )
    assert answer.status == 200
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 900
    assert answer.json["access_token"].startswith("smn_at_")
    assert "no-store" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("who", "method", "path", "status"),
    [
        ("alice", "GET", "/products", 200),
        ("alice", "POST", "/products", 201),
        ("alice", "GET", "/products/1", 200),
        ("alice", "GET", "/orders", 200),
        ("bob", "GET", "/products", 200),
        ("bob", "POST", "/products", 403),
        ("bob", "DELETE", "/products/1", 403),
        ("bob", "POST", "/orders", 403),
        ("carol", "POST", "/products", 201),
        ("carol", "GET", "/products", 403),
        ("carol", "DELETE", "/products/1", 403),
        ("dave", "GET", "/products", 200),
        ("dave", "DELETE", "/products/1", 403),
        (None, "GET", "/products", 401),
        (None, "GET", "/orders", 401),
        (None, "GET", "/nowhere", 404),
        (None, "PUT", "/products", 405),
        ("alice", "PATCH", "/products/1", 405),
        (None, "GET", "/internal/stats", 404),
    ],
)
def test_who_may_do_what(demo: DemoNode, who: str | None, method: str, path: str, status: int) -> None:
    """The shop's rules, call by call."""
    token = demo.log_in(who) if who else None
    body = '{"name":"pear"}' if method == "POST" else None
    answer = demo.call(method, path, token, body=body)
    assert answer.status == status
    if status >= 400:
        problem = answer.json
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert problem["status"] == status
        assert problem["code"]
        assert problem["request_id"] == answer.headers["x-request-id"]


def test_405_names_the_methods(demo: DemoNode) -> None:
    """RFC 9110 15.5.6: Allow lists what the path takes."""
    allow = demo.call("PUT", "/products").headers["allow"]
    assert {m.strip() for m in allow.split(",")} == {"GET", "POST"}


def test_the_challenges_of_rfc_6750(demo: DemoNode) -> None:
    """No error without a credential; invalid_token for a bad one; insufficient_scope names the scope."""
    where = f'resource_metadata="http://127.0.0.1:{demo.port}/.well-known/oauth-protected-resource"'
    assert demo.call("GET", "/products").headers["www-authenticate"] == f'Bearer realm="sumun", {where}'
    bad = demo.call("GET", "/products", "smn_at_junk")
    assert bad.status == 401
    assert 'error="invalid_token"' in bad.headers["www-authenticate"]
    short = demo.call("POST", "/products", demo.log_in("bob"), body="{}")
    assert 'error="insufficient_scope"' in short.headers["www-authenticate"]
    assert 'scope="product:create"' in short.headers["www-authenticate"]


def test_delete_as_admin(demo: DemoNode) -> None:
    """Create as carol, delete as alice; bob may not."""
    made = demo.call("POST", "/products", demo.log_in("carol"), body='{"name":"fig"}').json["created"]["id"]
    assert demo.call("DELETE", f"/products/{made}", demo.log_in("bob")).status == 403
    gone = demo.call("DELETE", f"/products/{made}", demo.log_in("alice"))
    assert (gone.status, gone.json["deleted"]["name"]) == (200, "fig")


def test_a_program_acts_for_itself(demo: DemoNode) -> None:
    """batch gets its own token by client_credentials and only its own permission; no user is claimed."""
    basic = base64.b64encode(b"batch:batch-demo-secret").decode()
    answer = demo.form("/oauth/token", {"grant_type": "client_credentials"}, Authorization=f"Basic {basic}")
    assert answer.status == 200, answer
    token = answer.json["access_token"]
    orders = demo.call("GET", "/orders", token)
    assert orders.status == 200
    assert orders.json["you"]["client_id"] == "batch"
    assert "user_id" not in orders.json["you"]
    assert orders.json["verified"]["sub"] == "batch"
    assert demo.call("GET", "/products", token).status == 403


def test_the_identity_is_signed_for_the_service(demo: DemoNode) -> None:
    """orders verified the internal JWT with a standard library: right issuer, made for it, short-lived."""
    claims = demo.call("GET", "/orders", demo.log_in("bob")).json["verified"]
    assert (claims["aud"], claims["sub"], claims["iss"]) == ("orders", "bob", f"http://127.0.0.1:{demo.port}")
    assert claims["exp"] - time.time() <= 61


@pytest.mark.parametrize(
    "spelling", ["X-User-Id", "x-user-id", "X_User_Id", "X-User_Id", "X-USER-ROLES", "X-Identity-Token"]
)
def test_a_forged_identity_never_arrives(demo: DemoNode, spelling: str) -> None:
    """Whatever a client says of itself is gone before the service sees it."""
    connection = http.client.HTTPConnection("127.0.0.1", demo.port, timeout=60)
    connection.putrequest("GET", "/products")
    connection.putheader("Authorization", f"Bearer {demo.log_in('bob')}")
    connection.putheader(spelling, "alice")
    connection.endheaders()
    response = connection.getresponse()
    body = response.read()
    connection.close()
    if response.status == 200:
        you = json.loads(body)["you"]
        assert (you["user_id"], you["user_roles"]) == ("bob", ["user"])
    else:
        assert response.status == 400


def test_a_korean_name_survives(demo: DemoNode) -> None:
    """dave's display name is Korean and reaches the service whole."""
    assert demo.call("GET", "/products", demo.log_in("dave")).json["you"]["user_name"] == "Dave 데이브"


def test_reports_take_jwts_only(demo: DemoNode) -> None:
    """An opaque token is refused on the JWT-only route; a JWT verifies against the published keys and is let in."""
    assert demo.call("GET", "/reports", demo.log_in("alice")).status == 401
    token = demo.log_in("alice", requested_token_type=JWT)
    keys = KeySet.import_key_set(demo.call("GET", "/.well-known/jwks.json").json)
    decoded = jwt.decode(token, keys, algorithms=["ES256"])
    assert decoded.header["typ"] == "at+jwt"
    assert decoded.claims["sub"] == "alice"
    assert {"iss", "aud", "exp", "iat", "jti", "client_id", "scope"} <= set(decoded.claims)
    assert "Alice" not in str(decoded.claims), "no personal data"
    assert demo.call("GET", "/reports", token).status == 200
    assert demo.call("GET", "/products", token).status == 200
    assert demo.call("GET", "/reports", demo.log_in("bob", requested_token_type=JWT)).status == 403


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_a_revoked_token_is_refused_at_once(demo: DemoNode, kind: str) -> None:
    """RFC 7009: when the revocation returns, the next call is refused; revoking again is fine."""
    extra = {"requested_token_type": JWT} if kind == "jwt" else {}
    token = demo.log_in("alice", **extra)
    assert demo.call("GET", "/products", token).status == 200
    for _ in range(2):
        assert demo.form("/oauth/revoke", {"client_id": "shop-app", "token": token}).status == 200
    assert demo.call("GET", "/products", token).status == 401


def test_server_sent_events_pass(demo: DemoNode) -> None:
    """Events arrive while the response is still open."""
    connection = http.client.HTTPConnection("127.0.0.1", demo.port, timeout=60)
    connection.request("GET", "/prices", headers={"Authorization": f"Bearer {demo.log_in('bob')}"})
    response = connection.getresponse()
    assert response.status == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    lines = [response.readline() for _ in range(8)]
    connection.close()
    assert b"event: hello\n" in lines
    assert b"event: price\n" in lines
    assert demo.call("GET", "/prices").status == 401


def test_a_websocket_passes_with_a_token_and_never_without(demo: DemoNode) -> None:
    """The handshake is judged before 101; then messages flow both ways."""
    address = f"ws://127.0.0.1:{demo.port}/chat"
    good = {"Authorization": f"Bearer {demo.log_in('bob')}"}
    with websockets.sync.client.connect(address, additional_headers=good) as chat:
        assert json.loads(chat.recv())["you"]["user_id"] == "bob"
        chat.send("안녕")
        assert chat.recv() == "안녕"
    for headers in ({}, {"Authorization": "Bearer smn_at_junk"}):
        with pytest.raises(InvalidStatus) as refused:
            websockets.sync.client.connect(address, additional_headers=headers)
        assert refused.value.response.status_code == 401


def test_grpc_passes_and_is_refused_in_its_own_words(demo: DemoNode) -> None:
    """A real gRPC client: an answer with a token; UNAUTHENTICATED without; streams flow."""
    token = demo.log_in("bob")
    with grpc.insecure_channel(f"127.0.0.1:{demo.port}") as channel:
        say = channel.unary_unary("/demo.Echo/Say")
        said = json.loads(say(b"hello", metadata=[("authorization", f"Bearer {token}")], timeout=60))
        assert (said["said"], said["you"]["user_id"]) == ("hello", "bob")
        with pytest.raises(grpc.RpcError) as refused:
            say(b"hello", timeout=60)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        count = channel.unary_stream("/demo.Echo/Count")(
            b"", metadata=[("authorization", f"Bearer {token}")], timeout=60
        )
        assert [next(count) for _ in range(3)] == [b"0", b"1", b"2"]
        count.cancel()


def test_the_internal_listener_needs_no_token(demo: DemoNode) -> None:
    """/internal/stats answers on PORT+1 and does not exist on PORT; other routes ask for a token inside too."""
    inside = call(demo.port + 1, "GET", "/internal/stats", {"X-User-Id": "alice"})
    assert inside.status == 200
    assert "user_id" not in inside.json["you"]
    assert call(demo.port + 1, "GET", "/products").status == 401


def test_metrics_on_the_operators_port_only(demo: DemoNode) -> None:
    """Prometheus text on PORT+2, of what has happened; the public port knows nothing of it."""
    token = demo.log_in("bob")
    demo.call("GET", "/products", token)
    assert demo.form("/oauth/revoke", {"client_id": "shop-app", "token": token}).status == 200
    metrics = call(demo.port + 2, "GET", "/metrics")
    assert metrics.status == 200
    counted = dict(line.rsplit(b" ", 1) for line in metrics.body.splitlines() if not line.startswith(b"#"))
    for name in (b'sumun_questions_total{outcome="allow"}', b"sumun_news_applied_total"):
        assert float(counted[name]) >= 1
    assert b"haproxy_process_" in call(demo.port + 2, "GET", "/metrics/haproxy").body
    assert demo.call("GET", "/metrics").status == 404


def test_every_call_is_one_json_line(demo: DemoNode) -> None:
    """The access log has one line for a let-in call and one for a refused one, with who and why; no token in any log."""
    token = demo.log_in("bob")
    ids = {
        demo.call("GET", "/products", token).headers["x-request-id"]: ("user:bob", 200),
        demo.call("POST", "/products", token, body="{}").headers["x-request-id"]: ("user:bob", 403),
        demo.call("GET", "/products").headers["x-request-id"]: ("-", 401),
        demo.call("GET", "/nowhere").headers["x-request-id"]: ("-", 404),
    }
    deadline = time.monotonic() + 60
    found: dict[str, dict[str, object]] = {}
    while set(ids) - set(found) and time.monotonic() < deadline:
        lines = [json.loads(line) for line in whole_lines(demo.data / "log" / "access.log")]
        found = {str(line["id"]): line for line in lines}
    for request_id, (who, status) in ids.items():
        assert found[request_id]["st"] == status
        assert found[request_id]["who"] == who
    everything = "".join(path.read_text() for path in (demo.data / "log").iterdir())
    assert token not in everything
    assert "bob-demo-pass" not in everything


def test_people_change_while_it_runs(demo: DemoNode) -> None:
    """A role given to bob counts for the token he already has; taken away, it is gone at once."""
    token = demo.log_in("bob")
    assert demo.call("POST", "/products", token, body='{"name":"x"}').status == 403
    given = demo.sumun("user", "grant", "bob", "--role", "admin")
    assert given.returncode == 0, given.stderr
    assert demo.call("POST", "/products", token, body='{"name":"x"}').status == 201
    assert demo.sumun("user", "revoke", "bob", "--role", "admin").returncode == 0
    assert demo.call("POST", "/products", token, body='{"name":"x"}').status == 403


def test_a_disabled_person_is_out_at_once(demo: DemoNode) -> None:
    """Disabled: tokens of both kinds are refused, logging in is refused; enabled again, a new login works."""
    assert (
        demo.sumun(
            "user", "add", "erin", "--role", "user", "--password-stdin", stdin="erin-demo-pass\n"
        ).returncode
        == 0
    )
    tokens = [demo.log_in("erin"), demo.log_in("erin", requested_token_type=JWT)]
    assert [demo.call("GET", "/products", t).status for t in tokens] == [200, 200]
    assert demo.sumun("user", "disable", "erin", "--yes").returncode == 0
    assert [demo.call("GET", "/products", t).status for t in tokens] == [401, 401]
    fields = {
        "grant_type": "password",
        "client_id": "shop-app",
        "username": "erin",
        "password": "erin-demo-pass",
    }
    refused = demo.form("/oauth/token", fields)
    assert (refused.status, refused.json["error"]) == (400, "invalid_grant")
    assert demo.sumun("user", "enable", "erin").returncode == 0
    assert [demo.call("GET", "/products", t).status for t in tokens] == [401, 401]
    assert demo.call("GET", "/products", demo.log_in("erin")).status == 200


def test_guessing_is_slowed_and_never_locks_alice_out(demo: DemoNode) -> None:
    """Wrong passwords from one source end in 429 for that account; a right login elsewhere is another matter."""
    fields = {
        "grant_type": "password",
        "client_id": "shop-app",
        "username": "mallory-target",
        "password": "no",
    }
    statuses = [demo.form("/oauth/token", fields).status for _ in range(30)]
    assert statuses[0] == 400
    assert statuses[-1] == 429
    assert int(demo.form("/oauth/token", fields).headers["retry-after"]) >= 1
    assert demo.log_in("alice")


def test_stop_by_term_leaves_nothing(tmp_path: Path) -> None:
    """SIGTERM ends every process and socket, with the exit code of success."""
    node = DemoNode(Path("/tmp") / f"smn-stop-{time.time_ns()}", language="ko_KR.UTF-8")
    node.start()
    assert "준비되었습니다" in node.said
    family = node.family()
    assert len(family) >= 6
    assert node.stop(signal.SIGTERM) == 0
    assert not {pid for pid in family if Path(f"/proc/{pid}").exists()}
    subprocess.run(["rm", "-rf", str(node.data)], check=True)
