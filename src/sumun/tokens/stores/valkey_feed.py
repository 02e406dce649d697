"""Feed on a Valkey or Redis stream whose ids are the numbers of the news.

`XREAD BLOCK` is only the doorbell: what is believed comes from one script that looks at incarnation, counter and stream
in one atomic step, so a gap or another incarnation cannot slip in between.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

from sumun.tokens.errors import NewsLostError
from sumun.tokens.feed import Change, ChangeKind, News, Position
from sumun.tokens.stores.valkey_link import Answer, ValkeyLink, Word, strange
from sumun.tokens.stores.valkey_scripts import (
    CONFIRM,
    FEED,
    GOODBYE,
    HEAD,
    HEARD,
    LISTENER,
    NEWS,
    PUBLISH,
    READ,
    READERS,
    UNCONFIRMED,
)

_AT_ONCE = 1000
_NAME = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class ValkeyFeed:
    """The news of one deployment in Valkey or Redis. Keeps the Feed contract. Lives on one event loop."""

    def __init__(self, link: ValkeyLink, doorbell: ValkeyLink) -> None:
        """`doorbell` is a link of its own for the blocking read; `close` closes both."""
        self._link = link
        self._doorbell = doorbell

    async def publish(self, changes: Sequence[Change]) -> int:
        """Append; the number of the last one. Raises StoreUnavailableError. ValueError for no change at all."""
        if not changes:
            raise ValueError("there is nothing to publish")
        words = [word for change in changes for word in (change.kind.value, change.key)]
        answer = await self._link.run(PUBLISH, [FEED, NEWS], [_fresh(), *words])
        if not isinstance(answer, int):
            raise strange("PUBLISH")
        return answer

    async def head(self) -> Position:
        """The newest position. Raises StoreUnavailableError."""
        match await self._link.run(HEAD, [FEED, NEWS], [_fresh()]):
            case [bytes(incarnation), bytes(n)] if n.isdigit():
                return Position(incarnation.decode("ascii", "replace"), int(n))
            case _:
                raise strange("HEAD")

    async def read_after(self, position: Position, wait_seconds: float) -> list[News]:
        """News after `position`, oldest first, 1000 at most. Raises NewsLostError, StoreUnavailableError."""
        if wait_seconds > 0:
            await self._doorbell.command(
                *("XREAD", "COUNT", 1, "BLOCK", max(1, int(wait_seconds * 1000)), "STREAMS", NEWS),
                f"{position.n}-0",
                blocks_seconds=wait_seconds,
            )
        args: list[Word] = [_fresh(), position.incarnation, position.n, _AT_ONCE]
        match await self._link.run(READ, [FEED, NEWS], args):
            case b"anew":
                raise NewsLostError(
                    "the feed began anew; whatever was learned from it before may be out of date"
                )
            case [bytes(latest), list(entries)] if latest.isdigit():
                return _gapless([_news(entry) for entry in entries], position.n, int(latest))
            case _:
                raise strange("READ")

    async def confirm(self, node: str, process: str, position: Position, alive_for_seconds: float) -> None:
        """Say what this process has applied. Raises StoreUnavailableError."""
        milliseconds = int(alive_for_seconds * 1000)
        if milliseconds <= 0:
            await self._link.run(GOODBYE, [READERS, HEARD], [_reader(node, process)])
            return
        args: list[Word] = [_reader(node, process), milliseconds, position.n, position.incarnation]
        await self._link.run(CONFIRM, [READERS, HEARD, LISTENER], args)

    async def unconfirmed(self, node: str | None, n: int) -> frozenset[str]:
        """The live processes that have not confirmed `n`. Raises StoreUnavailableError."""
        of_node = "" if node is None else _reader(node, "")
        keys: list[Word] = [READERS, FEED, NEWS, HEARD, LISTENER]
        answer = await self._link.run(UNCONFIRMED, keys, [_fresh(), n, of_node])
        if not isinstance(answer, list) or not all(isinstance(one, bytes) for one in answer):
            raise strange("UNCONFIRMED")
        return frozenset(one.decode("ascii", "replace") for one in answer if isinstance(one, bytes))

    async def close(self) -> None:
        """Let go of connections. May be called twice."""
        await self._doorbell.close()
        await self._link.close()


def _fresh() -> str:
    return secrets.token_hex(8)


def _reader(node: str, process: str) -> str:
    for name in filter(None, (node, process)):
        if _NAME.fullmatch(name) is None:
            raise ValueError(
                f"{name[:80]!r} is not a node's or process's name; use letters, digits and . _ : -"
            )
    return f"{node}/{process}"


def _gapless(news: list[News], after: int, latest: int) -> list[News]:
    expected = range(after + 1, after + 1 + len(news))
    if [one.n for one in news] != list(expected) or (not news and latest > after):
        raise NewsLostError(f"news after {after} is gone; the feed keeps only the latest")
    return news


def _news(entry: Answer) -> News:
    match entry:
        case [bytes(number), [b"k", bytes(kind), b"y", bytes(key)]] if number.endswith(b"-0"):
            try:
                return News(int(number[:-2]), Change(ChangeKind(kind.decode("ascii")), key.decode("utf-8")))
            except ValueError:
                pass
    raise strange("a piece of news")
