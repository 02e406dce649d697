"""`sumun explain REQUEST-ID` for every refusal that a caller can be given an id of, whoever made it."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner

from sumun.cli.main import sumun
from tests.live.gate_wire import Response, parse, send_raw
from tests.live.kept_world import echo_service
from tests.live.node_under_test import NodeUnderTest, node_folder, password_grant, until
from tests.live.open_streams import UPGRADE

_CONFIG = """\
listen: 127.0.0.1:{port}
node: {{answerers: 1}}
services:
  shop: {{url: http://127.0.0.1:{service}}}
  pages: {{url: http://127.0.0.1:{service}, websocket: {{origins: ["https://shop.test"]}}}}
  nobody: {{url: http://127.0.0.1:9, cors: {{origins: ["https://shop.test"]}}}}
  mute: {{url: http://127.0.0.1:{mute}, response_timeout: 1s}}
  babbler: {{url: http://127.0.0.1:{babbler}}}
  deaf: {{url: http://127.0.0.1:{deaf}}}
roles:
  reader: ["item:read"]
routes:
  - {{path: /items, methods: [GET], service: shop, require: item:read}}
  - {{path: /admin, methods: [GET], service: shop, require: item:write}}
  - {{path: /chat, methods: [GET], service: pages, require: item:read}}
  - {{path: /deaf, methods: [GET], service: deaf, require: item:read}}
  - {{path: /seldom, methods: [GET], service: shop, require: public, limit: 1/hour}}
  - {{path: /nobody, methods: [GET], service: nobody, require: public}}
  - {{path: /mute, methods: [GET], service: mute, require: public}}
  - {{path: /babbler, methods: [GET], service: babbler, require: public}}
clients:
  - {{id: shop-app, kind: public, first_party: true, grants: [password]}}
  - {{id: counted, kind: public, first_party: true, grants: [password], quota: 1/day}}
"""


@dataclass
class Place:
    """A gateway, and a person's token."""

    node: NodeUnderTest
    token: str

    def ask(self, target: str, *lines: str, method: str = "GET", host: str = "shop.test") -> Response:
        """One request, written as it stands here."""
        head = (f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *lines, "", "")
        return parse(send_raw(self.node.port, "\r\n".join(head).encode(), 15))

    def ask_known(self, target: str, *lines: str, token: str = "") -> Response:
        """The same with a token."""
        return self.ask(target, f"Authorization: Bearer {token or self.token}", *lines)

    def chat(self, query: str, *lines: str) -> Response:
        """A WebSocket handshake, as a page sends it."""
        return self.ask(f"/chat{query}", *UPGRADE, *lines)

    def ticket(self) -> str:
        """A one-time ticket for the token."""
        return str(self.node.call("POST", "/oauth/ws-ticket", self.token).json["ticket"])

    def form(self, path: str, **fields: str) -> Response:
        """A request to the OAuth server."""
        answer = self.node.form(path, fields)
        return Response(answer.status, tuple(answer.headers.items()), answer.body)

    def explained(self, answer: Response) -> Any:
        """What the command says; the line is written when the answer was sent."""
        (request_id,) = answer.get("x-request-id") or [answer.json["request_id"]]
        said: list[str] = []

        def is_logged() -> bool:
            environment = {"SUMUN_DATA": str(self.node.data)}
            done = CliRunner().invoke(sumun, ("explain", "--json", request_id), env=environment)
            said[:] = [done.stdout]
            return done.exit_code == 0

        until(is_logged, 10, f"{request_id} is in the log")
        return json.loads(said[0])


def say(listening: socket.socket, words: bytes) -> None:
    """Answer each request with the same, until the socket is closed."""
    with suppress(OSError):
        while True:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(words)


@pytest.fixture(scope="module")
def place(haproxy: Path) -> Iterator[Place]:
    """One gateway for all tests of this file; one service is not there, one is silent, one speaks no HTTP, one no WebSocket."""
    with ExitStack() as stack:
        folder, service = stack.enter_context(node_folder()), stack.enter_context(echo_service())
        names = {
            "mute": b"",
            "babbler": b"hello\r\n",
            "deaf": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        }
        sockets = {name: stack.enter_context(socket.create_server(("127.0.0.1", 0))) for name in names}
        for name, words in names.items():
            if words:
                Thread(target=say, args=(sockets[name], words), daemon=True).start()
        node = NodeUnderTest(data=folder / "data", environment={"HAPROXY": str(haproxy)})
        node.config = folder / "sumun.yaml"
        ports = {name: one.getsockname()[1] for name, one in sockets.items()}
        node.config.write_text(_CONFIG.format(port=node.port, service=service, **ports))
        stack.enter_context(node.running())
        node.add_person("ann", "reader")
        yield Place(node, node.log_in("ann"))
        for one in sockets.values():
            one.shutdown(socket.SHUT_RDWR)


def over_the_limit(place: Place) -> Response:
    """The second call in an hour."""
    place.ask("/seldom")
    return place.ask("/seldom")


def over_the_quota(place: Place) -> Response:
    """The first that is refused; HAProxy hears once a second what is used up."""
    token = place.node.log_in("ann", client_id="counted")
    answers = [place.ask_known("/items", token=token)]
    until(lambda: answers.append(place.ask_known("/items", token=token)) or answers[-1].status == 429)
    return answers[-1]


def undecided(place: Place) -> Response:
    """Asked while nobody answers."""
    pid = place.node.part("answer")
    os.kill(pid, signal.SIGSTOP)
    try:
        return place.ask_known("/admin")
    finally:
        os.kill(pid, signal.SIGCONT)


def wrong_password(place: Place) -> Response:
    """A login at the token endpoint."""
    return place.form("/oauth/token", **{**password_grant("ann"), "password": "guessed"})


EVIL = "Origin: https://evil.test"
REFUSALS: dict[str, tuple[Callable[[Place], Response], str, str]] = {
    "bad_request_target": (lambda p: p.ask("//items"), "haproxy", "not canonical"),
    "bad_header": (
        lambda p: p.chat("", "Sec-WebSocket-Protocol: SUMUN.BEARER.x"),
        "haproxy",
        "header fields",
    ),
    "bad_host": (lambda p: p.ask("/items", host="a@b"), "haproxy", "Host header"),
    "two_credentials": (
        lambda p: p.ask_known("/items", "Authorization: Bearer b"),
        "haproxy",
        "more than one",
    ),
    "route_not_found": (lambda p: p.ask("/nothing"), "haproxy", "no route has"),
    "method_not_allowed": (lambda p: p.ask("/items", method="DELETE"), "haproxy", "not for this method"),
    "header_too_large": (lambda p: p.ask_known("/items", token="x" * 9000), "haproxy", "longer than"),
    "origin_not_allowed": (lambda p: p.chat("", EVIL), "haproxy", "websocket.origins"),
    "cross_origin_not_allowed": (
        lambda p: p.ask("/nobody", EVIL, "Access-Control-Request-Method: GET", method="OPTIONS"),
        "haproxy",
        "cors.origins",
    ),
    "not_a_websocket": (
        lambda p: p.ask(f"/deaf?ticket={p.ticket()}", *UPGRADE),
        "haproxy",
        "something else",
    ),
    "too_many_requests": (over_the_limit, "limit", "the `limit` of the route"),
    "quota_used_up": (over_the_quota, "limit", "its `quota`"),
    "no_credential": (lambda p: p.ask("/items"), "decision", "no credential"),
    "invalid_token": (lambda p: p.ask_known("/items", token="smn_at_x"), "decision", "(malformed)"),
    "insufficient_scope": (lambda p: p.ask_known("/admin"), "decision", "missing was item:write"),
    "decision_unavailable": (undecided, "outage", "nobody decided in time"),
    "service_unavailable": (lambda p: p.ask("/nobody"), "no_service", "no connection to the service"),
    "service_timeout": (lambda p: p.ask("/mute"), "no_service", "silent for too long"),
    "bad_service_response": (lambda p: p.ask("/babbler"), "no_service", "as HTTP wants it"),
    "invalid_grant": (wrong_password, "own", "400 invalid_grant"),
    "unsupported_grant_type": (
        lambda p: p.form("/oauth/token", grant_type="x", client_id="shop-app"),
        "own",
        "400 unsupported_grant_type",
    ),
    "not_found": (lambda p: p.form("/oauth/nothing"), "own", "404 not_found"),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_each_refusal(place: Place, code: str) -> None:
    """By the id that the caller was given: who refused it, with what, and why, in words."""
    refused, by, words = REFUSALS[code]
    answer = refused(place)
    assert code in (answer.json.get("code"), answer.json.get("error")), answer
    assert not answer.get("x-sumun-code")
    said = place.explained(answer)
    assert said["logged"]["st"] == answer.status
    assert said["answered_by"] == by, said
    assert words in said["happened"][0]
    assert by == "no_service" or code in said["happened"][0]


def test_an_outage_of_the_oauth_server(place: Place) -> None:
    """Its detail names the neighbour that was away; a process that is not there is told as well."""
    store = place.node.part("valkey")
    os.kill(store, signal.SIGSTOP)
    try:
        answer = wrong_password(place)
    finally:
        os.kill(store, signal.SIGCONT)
    assert (answer.status, answer.json["error"]) == (503, "temporarily_unavailable")
    happened = place.explained(answer)["happened"][0]
    assert "503 temporarily_unavailable (login_throttle_unavailable)" in happened
