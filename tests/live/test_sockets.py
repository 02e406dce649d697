"""WebSockets as browsers open them, through a whole node: a ticket or a token among the subprotocols."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.live.node_under_test import (
    AT_ONCE_SECONDS,
    NodeUnderTest,
    node_folder,
    shop_services,
    until,
    write_config,
)

JWT = {"requested_token_type": "urn:ietf:params:oauth:token-type:jwt"}
KINDS = pytest.mark.parametrize("asked", [{}, JWT], ids=["opaque", "jwt"])
PAGE = "https://shop.example.com"


@pytest.fixture(scope="module")
def node(haproxy: Path) -> Iterator[NodeUnderTest]:
    """A gateway with two answering processes; its chat is for who may read products, from the shop's own pages."""
    with node_folder() as folder:
        node = NodeUnderTest(data=folder / "data")
        node.environment = {"HAPROXY": str(haproxy)}
        with shop_services(node.issuer) as ports:
            node.config = write_config(folder, node.port, ports, "\nnode: {answerers: 2}\n")
            text = node.config.read_text()
            url = f"http://127.0.0.1:{ports['chat']}"
            for old, more in (
                (f"chat: {{url: {url}", f", websocket: {{origins: [{PAGE}]}}"),
                ("{path: /chat, methods: [GET], service: chat", ", require: product:read"),
            ):
                assert old in text
                text = text.replace(old, old + more)
            node.config.write_text(text)
            with node.running():
                for name in ("ann", "bea"):
                    node.add_person(name, "user")
                yield node
            assert "Traceback" not in node.log()


def ticket_for(node: NodeUnderTest, token: str) -> str:
    """A ticket, as a page asks for it."""
    answer = node.call("POST", "/oauth/ws-ticket", token)
    assert answer.status == 200, answer
    assert answer.json["expires_in"] <= 30
    return str(answer.json["ticket"])


def opened(
    node: NodeUnderTest, query: str = "", *protocols: str, origin: str | None = PAGE
) -> ClientConnection:
    """An open WebSocket of a page's, past the greeting."""
    chat = connect(
        f"ws://127.0.0.1:{node.port}/chat{query}",
        subprotocols=[Subprotocol(one) for one in protocols] or None,
        origin=None if origin is None else Origin(origin),
        legacy=True,  # stays open beyond this function
    )
    # WHATWG WebSockets: a browser wants one of what it offered, if it offered anything.
    assert chat.subprotocol in protocols if protocols else chat.subprotocol is None
    chat.greeting = json.loads(chat.recv(timeout=60))["you"]  # type: ignore[attr-defined]
    return chat


def refused(
    node: NodeUnderTest, query: str = "", *protocols: str, origin: str | None = PAGE
) -> tuple[int, str, str]:
    """(status, code, request id) of a handshake that must not succeed."""
    with pytest.raises(InvalidStatus) as error:
        opened(node, query, *protocols, origin=origin)
    answer = error.value.response
    body = json.loads(answer.body or b"{}")
    return answer.status_code, body.get("code", ""), answer.headers["X-Request-Id"]


def revoke(node: NodeUnderTest, token: str) -> None:
    """As a client does (RFC 7009)."""
    assert node.form("/oauth/revoke", {"token": token, "client_id": "shop-app"}).status == 200


def ends(chat: ClientConnection, seconds: float = AT_ONCE_SECONDS) -> None:
    """The connection ends within so much time."""
    with pytest.raises(ConnectionClosed):
        chat.recv(timeout=seconds)


def echoes(chat: ClientConnection) -> bool:
    """It lives."""
    chat.send("still there")
    return chat.recv(timeout=60) == "still there"


@KINDS
def test_a_ticket_opens_one(node: NodeUnderTest, asked: dict[str, str]) -> None:
    """The service is told whose token it was; the second use is 401; the stream ends with the token, others do not."""
    token, other = node.log_in("ann", **asked), node.log_in("ann", **asked)
    ticket = ticket_for(node, token)
    chat, spared = (
        opened(node, f"?room=7&ticket={ticket}"),
        opened(node, f"?ticket={ticket_for(node, other)}"),
    )
    assert chat.greeting["user_id"] == "ann"  # type: ignore[attr-defined]
    assert refused(node, f"?ticket={ticket}")[:2] == (401, "invalid_token")
    assert echoes(chat)
    revoke(node, token)
    ends(chat)
    assert echoes(spared)
    spared.close()


@KINDS
@pytest.mark.parametrize("offer", [["sumun"], ["sumun", "chat"]], ids="+".join)
def test_a_token_among_the_subprotocols(node: NodeUnderTest, asked: dict[str, str], offer: list[str]) -> None:
    """Opens, is answered with a subprotocol that was offered and is not the token, and ends with the token."""
    token = node.log_in("ann", **asked)
    chat = opened(node, "", *offer, f"sumun.bearer.{token}")
    assert chat.subprotocol == "sumun"
    assert chat.greeting["user_id"] == "ann"  # type: ignore[attr-defined]
    assert echoes(chat)
    revoke(node, token)
    ends(chat)
    assert refused(node, "", *offer, f"sumun.bearer.{token}")[:2] == (401, "invalid_token")


def test_a_hundred_at_once(node: NodeUnderTest) -> None:
    """One ticket, sent a hundred times at the same moment to two answering processes: one WebSocket opens."""
    ticket = ticket_for(node, node.log_in("ann"))

    def use(_number: int) -> int:
        try:
            opened(node, f"?ticket={ticket}").close()
        except InvalidStatus as error:
            return error.response.status_code
        return 101

    with ThreadPoolExecutor(25) as pool:
        outcomes = list(pool.map(use, range(100)))
    assert sorted(outcomes) == [101] + [401] * 99


@KINDS
def test_worth_what_the_token_is(node: NodeUnderTest, asked: dict[str, str]) -> None:
    """A ticket whose token was revoked meanwhile opens nothing; nor does one whose person lost the right."""
    token = node.log_in("bea", **asked)
    ticket = ticket_for(node, token)
    revoke(node, token)
    assert refused(node, f"?ticket={ticket}")[:2] == (401, "invalid_token")
    ticket = ticket_for(node, node.log_in("bea", **asked))
    assert node.sumun("user", "revoke", "bea", "--role", "user").returncode == 0
    status, _, _ = refused(node, f"?ticket={ticket}")
    assert status == (
        401 if asked else 403
    )  # a right taken ends a JWT, and is missing from what is asked anew
    assert node.sumun("user", "grant", "bea", "--role", "user").returncode == 0


def test_over_with_its_token(node: NodeUnderTest) -> None:
    """A ticket is over when its token is, though it was to live longer."""
    done = node.sumun("token", "issue", "--user", "ann", "--client", "shop-app", "--lifetime", "8s")
    ticket = ticket_for(node, done.stdout.split()[-1])
    time.sleep(8)
    assert refused(node, f"?ticket={ticket}")[:2] == (401, "invalid_token")


def test_no_credential_of_anything_else(node: NodeUnderTest) -> None:
    """A ticket buys no ordinary call, no other ticket and no event stream, and is good for its WebSocket afterwards."""
    ticket = ticket_for(node, node.log_in("ann"))
    assert node.call("GET", f"/products?ticket={ticket}").json["code"] == "no_credential"
    assert node.call("GET", f"/prices?ticket={ticket}", Accept="text/event-stream").status == 401
    assert node.call("GET", "/products", ticket).json["code"] == "invalid_token"
    assert node.call("POST", "/oauth/ws-ticket", ticket).status == 401
    assert node.call("POST", f"/oauth/ws-ticket?ticket={ticket}").status == 401
    assert refused(node, "", "sumun", f"sumun.bearer.{ticket}")[:2] == (401, "invalid_token")
    opened(node, f"?ticket={ticket}").close()


def test_two_credentials(node: NodeUnderTest) -> None:
    """Two at once are 400, and the ticket is not spent; a token in the query is no credential."""
    token = node.log_in("ann")
    ticket = ticket_for(node, token)
    assert refused(node, f"?ticket={ticket}", "sumun", f"sumun.bearer.{token}")[:2] == (
        400,
        "two_credentials",
    )
    assert refused(node, f"?access_token={token}")[:2] == (401, "no_credential")
    assert refused(node, f"?token={token}")[:2] == (401, "no_credential")
    opened(node, f"?ticket={ticket}").close()


def test_origin(node: NodeUnderTest) -> None:
    """A page of another origin is 403 before its ticket is looked at, and `sumun explain` says why."""
    ticket = ticket_for(node, node.log_in("ann"))
    status, code, request_id = refused(node, f"?ticket={ticket}", origin="https://evil.example.com")
    assert (status, code) == (403, "origin_not_allowed")
    opened(node, f"?ticket={ticket}", origin=None).close()
    until(lambda: node.sumun("explain", request_id).returncode == 0)
    assert "websocket.origins" in node.sumun("explain", request_id).stdout


def test_explained(node: NodeUnderTest) -> None:
    """`sumun explain` of a handshake with a spent ticket says that it is one."""
    _, _, request_id = refused(node, f"?ticket=smn_wt_{'x' * 49}")
    until(lambda: node.sumun("explain", request_id).returncode == 0)
    assert "ticket_gone" in node.sumun("explain", request_id).stdout


@pytest.mark.parametrize("part", ["answer", "keeper"])
def test_killed(node: NodeUnderTest, part: str) -> None:
    """Who redeemed a ticket, or wrote its stream down, may be killed: the stream ends with the token all the same."""
    token = node.log_in("ann")
    chat = opened(node, f"?ticket={ticket_for(node, token)}")
    again = node.log().count("runs again") + 1
    node.kill(part)
    until(lambda: node.log().count("runs again") >= again)
    until(lambda: node.call("GET", "/products", token).status == 200)
    assert echoes(chat)
    revoke(node, token)
    ends(chat)


def test_store_away(node: NodeUnderTest) -> None:
    """Nobody can say whether a ticket is good: 503, never 401."""
    ticket = ticket_for(node, node.log_in("ann"))
    node.kill("valkey")
    outcomes = set()

    def heals() -> bool:
        try:
            opened(node, f"?ticket={ticket}").close()
        except InvalidStatus as error:
            outcomes.add(error.response.status_code)
            return False
        return True

    until(heals)
    assert outcomes <= {503}


def test_in_clear_nowhere(node: NodeUnderTest) -> None:
    """No ticket and no token that was in a handshake stands in a log, in the store or in any other file of the node."""
    token = node.log_in("ann")
    used, unused = ticket_for(node, token), ticket_for(node, token)
    opened(node, f"?ticket={used}").close()
    refused(node, f"?ticket={used}")
    opened(node, "", "sumun", f"sumun.bearer.{token}").close()
    secrets = [text.encode() for text in (used, unused, token)]
    files = [path for path in node.data.parent.rglob("*") if path.is_file()]
    assert any(path.name == "access.log" for path in files)
    found = [path for path in files for secret in secrets if secret in path.read_bytes()]
    assert found == []
