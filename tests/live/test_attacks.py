"""What an attacker sends and does, against a whole node: to be let in, to be somebody else, to become root."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from sumun.tokens import base64url
from tests.live.demo_node import Answer, descendants
from tests.live.node_under_test import (
    BATCH_SECRET,
    NodeUnderTest,
    command_line,
    node_folder,
    shop_services,
    until,
    write_config,
)

JWT = {"requested_token_type": "urn:ietf:params:oauth:token-type:jwt"}
# The order of P-256's group (SEC 2, 2.4.2).
MOST_WAITING = 40
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.fixture(scope="module")
def node(haproxy: Path) -> Iterator[NodeUnderTest]:
    """One gateway for all attacks of this file; alice is its administrator, bob may read."""
    assert haproxy
    with node_folder() as folder:
        node = NodeUnderTest(folder / "data")
        with shop_services(node.issuer) as ports:
            node.config = write_config(folder, node.port, ports)
            few = f"limits: {{waiting_per_source: {MOST_WAITING}, "
            node.config.write_text(node.config.read_text().replace("limits: {", few))
            node.start()
            try:
                node.add_person("alice", "admin")
                node.add_person("bob", "user")
                yield node
            finally:
                node.stop(signal.SIGTERM)


def why(answer: Answer) -> tuple[int, str]:
    """Status and stable code."""
    return answer.status, answer.json.get("code") or answer.json.get("error") or ""


# Tokens


def forgeries(token: str, public: Mapping[str, str]) -> dict[str, str]:
    """Tokens that say alice, made of one that says bob."""
    head, body, signature = token.split(".")
    header, claims = json.loads(base64url.decode(head) or b""), json.loads(base64url.decode(body) or b"")
    alice = base64url.encode(json.dumps({**claims, "sub": "alice", "roles": ["admin"]}).encode())

    def made(changes: Mapping[str, object], sign: Callable[[bytes], bytes] = lambda _: b"\1" * 64) -> str:
        begin = f"{base64url.encode(json.dumps({**header, **changes}).encode())}.{alice}"
        return f"{begin}.{base64url.encode(sign(begin.encode()))}"

    def hs256(key: bytes) -> Callable[[bytes], bytes]:
        return lambda text: hmac.digest(key, text, hashlib.sha256)

    x = base64url.decode(public["x"]) or b""
    twice = f'{{"alg":"none","alg":"ES256","kid":"{header["kid"]}","typ":"at+jwt"}}'
    return {
        "another's claims": f"{head}.{alice}.{signature}",
        "none": made({"alg": "none"}, lambda _: b""),
        "nOnE": made({"alg": "nOnE"}, lambda _: b""),
        "HS256 with the public key": made({"alg": "HS256"}, hs256(json.dumps(public).encode())),
        "HS256 with a coordinate": made({"alg": "HS256"}, hs256(x)),
        "a signature of zeros": made({}, lambda _: bytes(64)),
        "a key brought along": made({"jwk": dict(public)}),
        "a key elsewhere": made({"jku": "http://127.0.0.1:9/"}),
        "crit": made({"crit": ["exp"]}),
        "b64": made({"b64": False}),
        "a kid that is a path": made({"kid": "../../../../dev/null"}),
        "alg twice": f"{base64url.encode(twice.encode())}.{alice}.{signature}",
        "deep header": f"{base64url.encode(b'[' * 3000)}.{alice}.{signature}",
        "deep claims": f"{head}.{base64url.encode(b'[' * 3000)}.{signature}",
        "padded": f"{head}.{alice}.{signature}=",
        "five parts": f"{head}.{alice}..{signature}.",
    }


def test_forged_jwts(node: NodeUnderTest) -> None:
    """No forgery passes for a token, with whatever algorithm, key or shape it comes."""
    bob = node.log_in("bob", **JWT)
    assert node.call("GET", "/orders", bob).status == 200
    assert why(node.call("GET", "/reports", bob)) == (403, "insufficient_scope")
    public = node.call("GET", "/.well-known/jwks.json").json["keys"][0]
    for name, forged in forgeries(bob, public).items():
        assert why(node.call("GET", "/reports", forged)) == (401, "invalid_token"), name


def test_another_spelling_of_a_revoked_jwt(node: NodeUnderTest) -> None:
    """An ECDSA signature has a twin that verifies too: revoking one spelling of a token revokes the other."""
    token = node.log_in("alice", **JWT)
    signed, _, signature = token.rpartition(".")
    raw = base64url.decode(signature) or b""
    s = ORDER - int.from_bytes(raw[32:])
    twin = f"{signed}.{base64url.encode(raw[:32] + s.to_bytes(32))}"
    assert node.call("GET", "/reports", twin).status == 200
    assert node.form("/oauth/revoke", {"client_id": "shop-app", "token": token}).status == 200
    assert why(node.call("GET", "/reports", twin)) == (401, "invalid_token")


class Callers:
    """Callers that call without a pause, and note when each call began and how it ended."""

    def __init__(self, node: NodeUnderTest, path: str, token: str, count: int = 4) -> None:
        self._node, self._path, self._token = node, path, token
        self.calls: list[tuple[float, int]] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _ in range(count)]

    def __enter__(self) -> list[tuple[float, int]]:
        for thread in self._threads:
            thread.start()
        until(lambda: len(self.calls) > 20)
        return self.calls

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _call(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._node.port, timeout=60)
        with contextlib.closing(connection):
            while not self._stop.is_set():
                began = time.monotonic()
                connection.request("GET", self._path, headers={"Authorization": f"Bearer {self._token}"})
                response = connection.getresponse()
                response.read()
                self.calls.append((began, response.status))


@pytest.mark.parametrize("fields", [{}, JWT], ids=["opaque", "jwt"])
def test_revoked_while_in_use(node: NodeUnderTest, fields: Mapping[str, str]) -> None:
    """However busily a token is used: no call that begins after its revocation returned is let in."""
    for _ in range(3):
        token = node.log_in("alice", **fields)
        with Callers(node, "/orders", token) as calls:
            assert node.form("/oauth/revoke", {"client_id": "shop-app", "token": token}).status == 200
            returned = time.monotonic()
            until(lambda: sum(began > returned for began, _ in calls) > 20)  # noqa: B023
        assert {status for began, status in calls if began > returned} == {401}
        assert {status for _, status in calls} == {200, 401}


# Clients


def basic(client: str, secret: str) -> str:
    """The Authorization of a client."""
    return "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()


BOB = {"grant_type": "password", "username": "bob", "password": "bob-demo-pass"}
PROGRAM = {"grant_type": "client_credentials"}
SECRET = {"client_secret": BATCH_SECRET}
REFUSED_CLIENTS: list[tuple[dict[str, str], str, tuple[int, str]]] = [
    ({**BOB, "client_id": "batch", **SECRET}, "", (400, "unauthorized_client")),
    ({**BOB, "client_id": "batch"}, "", (401, "invalid_client")),
    ({**BOB, "client_id": "SHOP-APP"}, "", (401, "invalid_client")),
    ({**BOB, "client_id": "shop-app", "client_secret": "x"}, "", (401, "invalid_client")),
    ({**BOB, "client_id": "shop-web"}, "", (400, "unauthorized_client")),
    ({**PROGRAM, "client_id": "shop-app"}, "", (400, "unauthorized_client")),
    ({**PROGRAM, "client_id": "batch"}, "", (401, "invalid_client")),
    ({**PROGRAM, "client_id": "shop-app"}, basic("batch", BATCH_SECRET), (400, "invalid_request")),
    ({**PROGRAM, **SECRET}, basic("batch", BATCH_SECRET), (400, "invalid_request")),
    ({**PROGRAM, "client_id": "batch"}, basic("batch", ""), (401, "invalid_client")),
    ({**PROGRAM, "scope": "order:*"}, basic("batch", BATCH_SECRET), (400, "invalid_scope")),
    ({**PROGRAM, "scope": "role:admin"}, basic("batch", BATCH_SECRET), (400, "invalid_scope")),
    ({**PROGRAM, **JWT}, basic("batch", BATCH_SECRET), (400, "invalid_request")),
]


@pytest.mark.parametrize(
    ("fields", "authorization", "refusal"), REFUSED_CLIENTS, ids=map(str, range(len(REFUSED_CLIENTS)))
)
def test_no_client_is_another(
    node: NodeUnderTest, fields: dict[str, str], authorization: str, refusal: tuple[int, str]
) -> None:
    """A client proves who it is in one way, and gets neither another's grants nor more than its scopes."""
    sent = {"Authorization": authorization} if authorization else {}
    assert why(node.form("/oauth/token", fields, **sent)) == refusal


def test_tokens_of_others_stay(node: NodeUnderTest) -> None:
    """A client neither revokes nor inspects the token of another."""
    token = node.log_in("bob")
    batch = {"Authorization": basic("batch", BATCH_SECRET)}
    assert why(node.form("/oauth/revoke", {"token": token}, **batch)) == (400, "invalid_grant")
    assert why(node.form("/oauth/introspect", {"token": token}, **batch)) == (403, "unauthorized_client")
    anybody = node.form("/oauth/introspect", {"token": token, "client_id": "shop-app"})
    assert why(anybody) == (403, "unauthorized_client")
    assert node.call("GET", "/products", token).status == 200


# Our own pages


@pytest.mark.parametrize("path", ["/oauth/token", "/.well-known/jwks.json", "/login/x"])
def test_a_handshake_with_our_own_pages(node: NodeUnderTest, path: str) -> None:
    """A WebSocket handshake to a page of ours is a plain request; nobody can make us log a traceback."""
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "c3VtdW4gZGVtbyBrZXkgMQ==",
    }
    assert node.call("GET", path, **handshake).status in (200, 404, 405)
    assert "Traceback" not in node.log()


# Filling the store


def test_strangers_do_not_fill_the_store(node: NodeUnderTest) -> None:
    """Logins that nobody means to finish are begun so often and no more, though each has room for 4 KB in the store;
    whoever has a password or a token does not notice.
    """
    bob = node.log_in("bob")
    heard = [
        node.call("GET", f"/login/start?return=/{'a' * 3900}{n}").status for n in range(MOST_WAITING + 20)
    ]
    assert set(heard) == {303, 429}
    assert heard[0] == 303
    assert heard.count(303) <= MOST_WAITING + 4  # room for one more every half minute
    assert node.call("GET", "/orders", bob).status == 200
    assert node.call("GET", "/orders", node.log_in("bob")).status == 200


# From a part to root


ATTEMPTS = {
    "take the run folder away": "os.rename('run', 'away')",
    "take the store's folder away": "os.rename('valkey', 'away')",
    "take the generations away": "os.rename('generations', 'away')",
    "make another configuration current": "os.symlink('run', 'new'); os.rename('new', 'current')",
    "change the configuration": "open('current/haproxy.cfg', 'a').write('#')",
    "change the plan": "open('current/plan.json', 'a').write(' ')",
    "add a generation": "os.mkdir('generations/999999')",
    "put a link in the password's place": "os.symlink('x', 'new2'); os.rename('new2', 'run/valkey.password')",
    "speak for the supervisor": "os.unlink('run/supervisor.ctl')",
    "speak for HAProxy's master": "os.rename('run/master.sock', 'run/m')",
    "speak to HAProxy's master": "socket.socket(socket.AF_UNIX).connect('run/master.sock')",
    "put links among the metrics": "os.symlink('/etc/shadow', 'run/metrics/counter_1.db')",
    "write the access log": "open('log/access.log', 'a').write('{}')",
    "change the node's name": "open('node-id', 'w').write('x')",
    "take the lock away": "os.unlink('lock')",
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
@pytest.mark.skipif(os.geteuid() != 0, reason="as an ordinary user there is no root to become")
def test_a_part_does_not_become_root(node: NodeUnderTest, attempt: str) -> None:
    """Whoever took a part over cannot change what root reads, runs, empties or gives away."""
    status = Path(f"/proc/{node.part('http')}/status").read_text()
    uid = int(status.split("Uid:")[1].split()[0])
    assert uid != 0
    become = f"import os, socket; os.setgroups([]); os.setresgid(*[{uid}] * 3); os.setresuid(*[{uid}] * 3); "
    done = subprocess.run(
        [sys.executable, "-c", become + attempt], cwd=node.data, capture_output=True, text=True, check=False
    )
    assert "PermissionError" in done.stderr, done


def test_what_the_keeper_may_ask_is_not_everything(node: NodeUnderTest) -> None:
    """The keeper's way to HAProxy's workers leads neither into the master's memory nor anywhere else."""
    for command in ("expert-mode on; mcli-debug-mode on; show env", "show proc; reload", "@!1 show env"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(node.data / "run" / "workers.sock"))
            connection.sendall(f"{command}\n".encode())
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(4096) == b"Permission denied\n", command


def test_no_part_leaves_its_memory_on_disk(node: NodeUnderTest) -> None:
    """No process of the node may write a core dump, whatever the limits that it was started under: keys are in it."""
    assert node.process is not None
    family = [node.process.pid, *descendants(node.process.pid)]
    assert len(family) >= 6
    for pid in family:
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE), limits


def test_nothing_is_imported_from_the_current_folder(node: NodeUnderTest) -> None:
    """Parts that begin as root import nothing from the folder that the gateway was started in (python -P)."""
    for part in ("http", "answer"):
        assert " -P -m sumun.node.parts." in command_line(node.part(part))
