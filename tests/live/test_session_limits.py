"""Sessions that nobody uses, on a node whose idle limit is a few seconds: over in time though HAProxy lets most calls through."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.browser_world import BrowserNode, Stream, browser_node
from tests.live.node_under_test import AT_ONCE_SECONDS, until

IDLE_SECONDS = 8
CONFIG = f"""
listen: 127.0.0.1:PORT
limits: {{decision_timeout: 2s}}
services:
  shop: {{url: http://127.0.0.1:SERVICE}}
roles:
  user: ["shop:read"]
routes:
  - {{path: /shop, service: shop, require: shop:read, session: true}}
  - {{path: /ws, service: shop, require: shop:read, session: true}}
sessions: {{idle: {IDLE_SECONDS}s, absolute: 1h}}
"""


@pytest.fixture(scope="module")
def node(haproxy: Path) -> Iterator[BrowserNode]:
    """A gateway that is impatient."""
    with browser_node(haproxy, CONFIG, "ann") as node:
        node.idle_seconds = IDLE_SECONDS
        yield node


def test_used_and_unused(node: BrowserNode) -> None:
    """One that is used lives past its idle limit, by calls that HAProxy lets through too; one that is not, and what hangs on
    it, is over.
    """
    used, session = node.begin("ann")
    unused, other = node.begin("ann")
    stream = Stream(node.port, f"127.0.0.1:{node.port}", "/ws", unused, f"http://127.0.0.1:{node.port}")
    assert stream.lives()
    kept = asked = 0

    def call() -> bool:
        nonlocal kept, asked
        answer = node.ask("/shop", used)
        assert answer.status == 200, answer
        if node.line(answer)["be"].startswith("known."):
            kept += 1
        else:
            asked += 1
        return time.time() > session.created_at_ms / 1000 + 1.5 * IDLE_SECONDS

    until(call, 60, "the idle limit has passed one and a half times")
    assert kept >= 3, (kept, asked)
    assert asked >= 3, (kept, asked)
    assert node.ask("/shop", unused).status == 401
    assert stream.has_ended(IDLE_SECONDS + AT_ONCE_SECONDS)
    assert time.time() > other.over_at_ms / 1000
    assert node.ask("/shop", used).status == 200
