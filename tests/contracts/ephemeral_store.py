"""What every EphemeralStore keeps. A suite for one store: a class that says how to open it.

class TestMyStore(EphemeralStoreContract):
    def open(self): ...   # async context manager: an EphemeralStore on an empty place
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AbstractAsyncContextManager

import pytest

from sumun.tokens.ephemeral import EphemeralStore, Kind
from sumun.tokens.errors import StoreUnavailableError
from tests.contracts.in_loop import in_loop

LONG_MS = 30_000


class EphemeralStoreContract:
    """The suite."""

    def open(self) -> AbstractAsyncContextManager[EphemeralStore]:
        raise NotImplementedError

    @in_loop
    async def test_kept(self, store: EphemeralStore) -> None:
        """What was put is there, under its kind and digest and nowhere else, and a second put takes its place."""
        digest, other = secrets.token_bytes(32), secrets.token_bytes(32)
        await store.put(Kind.CODE, digest, b"\x00what\xff", LONG_MS)
        assert await store.get(Kind.CODE, digest) == b"\x00what\xff"
        assert await store.get(Kind.CODE, other) is None
        assert await store.get(Kind.DEVICE, digest) is None
        await store.put(Kind.CODE, digest, b"", LONG_MS)
        assert await store.get(Kind.CODE, digest) == b""

    @in_loop
    async def test_taken_once(self, store: EphemeralStore) -> None:
        """Of a hundred who take one thing at the same time, one is given it."""
        digest = secrets.token_bytes(32)
        await store.put(Kind.CODE, digest, b"what", LONG_MS)
        answers = await asyncio.gather(*(store.take(Kind.CODE, digest) for _ in range(100)))
        assert (answers.count(b"what"), answers.count(None)) == (1, 99)

    @in_loop
    async def test_added_once(self, store: EphemeralStore) -> None:
        """Of a hundred who add one thing at the same time, one is told that it is new, and its value stays."""
        digest = secrets.token_bytes(32)
        answers = await asyncio.gather(
            *(store.add(Kind.DPOP, digest, b"%d" % i, LONG_MS) for i in range(100))
        )
        assert answers.count(True) == 1
        assert await store.get(Kind.DPOP, digest) == b"%d" % answers.index(True)

    @in_loop
    async def test_swapped(self, store: EphemeralStore) -> None:
        """A thing changes only from what it is, its time stays, and what is not there cannot change."""
        digest = secrets.token_bytes(32)
        assert not await store.swap(Kind.DEVICE, digest, b"", b"new")
        await store.put(Kind.DEVICE, digest, b"old", 300)
        assert not await store.swap(Kind.DEVICE, digest, b"other", b"new")
        assert await store.swap(Kind.DEVICE, digest, b"old", b"new")
        assert await store.get(Kind.DEVICE, digest) == b"new"
        await asyncio.sleep(0.4)
        assert await store.get(Kind.DEVICE, digest) is None

    @in_loop
    async def test_over(self, store: EphemeralStore) -> None:
        """A thing whose time is over is gone, and can be added anew."""
        digest, stays = secrets.token_bytes(32), secrets.token_bytes(32)
        await store.put(Kind.DPOP, digest, b"what", 50)
        await store.put(Kind.DPOP, stays, b"what", LONG_MS)
        await asyncio.sleep(0.1)
        assert await store.take(Kind.DPOP, digest) is None
        assert await store.add(Kind.DPOP, digest, b"again", LONG_MS)
        assert await store.take(Kind.DPOP, stays) == b"what"

    @in_loop
    async def test_closed(self, store: EphemeralStore) -> None:
        """A closed store says that it cannot answer, never that there is nothing."""
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailableError):
            await store.get(Kind.CODE, bytes(32))
        with pytest.raises(StoreUnavailableError):
            await store.take(Kind.CODE, bytes(32))
        with pytest.raises(StoreUnavailableError):
            await store.add(Kind.CODE, bytes(32), b"", LONG_MS)
