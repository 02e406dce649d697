"""A thousand WebSockets of somebody else stay open while streams are cut for every reason there is, again and again."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.node_under_test import NodeUnderTest, node_folder, shop_services, until, write_config
from tests.live.open_streams import Wire, Wires

log = logging.getLogger(__name__)

OTHERS = 1000
ROUNDS = 10
WITHIN_SECONDS = 1.0
JWT = "urn:ietf:params:oauth:token-type:jwt"

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def node(haproxy: Path) -> Iterator[NodeUnderTest]:
    """One gateway with one HAProxy worker; the chat is for who may read products."""
    with node_folder() as folder:
        node = NodeUnderTest(data=folder / "data")
        node.environment = {"HAPROXY": str(haproxy)}
        with shop_services(node.issuer) as ports:
            node.config = write_config(folder, node.port, ports)
            chat = "{path: /chat, methods: [GET], service: chat"
            node.config.write_text(node.config.read_text().replace(chat, f"{chat}, require: product:read"))
            with node.running():
                for name in ("ann", "bea", "other"):
                    node.add_person(name, "user")
                yield node
            assert "Traceback" not in node.log()


def told(node: NodeUnderTest, *words: str) -> None:
    """Run a command that must work."""
    done = node.sumun(*words)
    assert done.returncode == 0, done.stderr


def revoked(node: NodeUnderTest, token: str) -> None:
    """As a client does."""
    assert node.form("/oauth/revoke", {"token": token, "client_id": "shop-app"}).status == 200


def right_lost(node: NodeUnderTest, _token: str) -> None:
    """As an operator does."""
    told(node, "user", "revoke", "ann", "--role", "user")


def disabled(node: NodeUnderTest, _token: str) -> None:
    """As an operator does."""
    told(node, "user", "disable", "ann", "--yes")


def killed(part: str) -> Callable[[NodeUnderTest, str], None]:
    """A part is killed and started again; then the token is revoked."""

    def end(node: NodeUnderTest, token: str) -> None:
        again = node.log().count("runs again") + 1
        node.kill(part)
        until(lambda: node.log().count("runs again") >= again)
        until(lambda: node.call("GET", "/products", token).status == 200)
        revoked(node, token)

    return end


ENDS = {
    "revoked": revoked,
    "right lost": right_lost,
    "disabled": disabled,
    "answering process killed": killed("answer"),
    "keeper killed": killed("keeper"),
}


def opened(node: NodeUnderTest, wires: Wires, token: str) -> list[Wire]:
    """What the test opens itself: by token, by ticket, and a second one."""
    ticket = node.call("POST", "/oauth/ws-ticket", token).json["ticket"]
    return [wires.chat(token), wires.chat("", f"?ticket={ticket}"), wires.chat(token)]


def test_a_thousand_others(node: NodeUnderTest, caplog: pytest.LogCaptureFixture) -> None:
    """Each time the right streams end within a second, and not one of a thousand others is touched."""
    caplog.set_level(logging.INFO)
    lags: dict[str, list[float]] = {why: [] for why in ENDS}
    with Wires(node) as wires:
        token = node.log_in("other")
        others = [wires.chat(token) for _ in range(OTHERS)]
        for number in range(ROUNDS):
            for why, end in ENDS.items():
                kind = {"requested_token_type": JWT} if number % 2 and why != "right lost" else {}
                mine = node.log_in("ann", **kind)
                streams = opened(node, wires, mine)
                assert all(stream.echoes() for stream in streams)
                end(node, mine)
                began = time.monotonic()
                for stream in streams:
                    until(lambda one=stream: one.ended, WITHIN_SECONDS, f"{why}: the stream goes on")
                lags[why].append(time.monotonic() - began)
                assert all(one.is_open() for one in others), f"{why}: another one was cut"
                if why == "disabled":
                    told(node, "user", "enable", "ann")
                told(node, "user", "grant", "ann", "--role", "user")
        assert all(one.echoes() for one in others)
    for why, seconds in lags.items():
        log.info(
            "%s: cut after %.0f ms (median), %.0f ms at most, beside %d others",
            why,
            statistics.median(seconds) * 1000,
            max(seconds) * 1000,
            OTHERS,
        )
