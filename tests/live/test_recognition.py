"""Recognition over a real Valkey: two readers in processes of their own would do the same; here they share a loop."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sumun.access import Evidence, Invalid, InvalidBecause, Proven
from sumun.errors import OutageError
from sumun.identity import ANYTHING, Credential, CredentialKind, Standing, Subject
from sumun.recognition import Memory, NewsReader, Recogniser, steady_seconds
from sumun.recognition.truth import ConfiguredFirst
from sumun.sessions.store_valkey import ValkeySessions
from sumun.tokens import mint
from sumun.tokens.batching import BatchingReader
from sumun.tokens.denials import Denial
from sumun.tokens.feed import Change, ChangeKind, Feed
from sumun.tokens.judge import ClientState
from sumun.tokens.signing_keys import NO_KEYS, KeyRing
from sumun.tokens.store import Rights
from sumun.tokens.stores.connect import valkey_feed, valkey_store
from sumun.tokens.stores.valkey import ValkeyStore
from sumun.tokens.stores.valkey_link import ValkeyLink
from tests.live.valkey_server import ValkeyServer, patience, running_valkey

ALICE = Subject.user("alice")
SERVE_KNOWN_FOR_SECONDS = 1.0


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    """A server of this test's own."""
    with (
        tempfile.TemporaryDirectory(prefix="smn-", dir="/tmp") as folder,
        running_valkey(Path(folder)) as server,
    ):
        yield server


class Directory:
    """A directory of one person."""

    alice = Standing(ALICE, "Alice", frozenset({"user"}), frozenset(), disabled=False, epoch=0, login_epoch=0)

    async def standing(self, subject: Subject) -> Standing | None:
        return self.alice if subject == ALICE else None

    async def epochs(self, subject: Subject) -> tuple[int, int]:
        return 0, 0

    async def client(self, client_id: str) -> ClientState | None:
        return ClientState(client_id, frozenset({ANYTHING}))

    async def keys(self) -> KeyRing:
        return NO_KEYS

    async def live_denials(self, about: Sequence[Change] | None) -> Sequence[Denial]:
        return []


@dataclass
class Process:
    """A recogniser and what keeps it true."""

    recogniser: Recogniser
    memory: Memory
    following: asyncio.Task[None]


@asynccontextmanager
async def a_process(server: ValkeyServer, name: str, directory: Directory) -> AsyncIterator[Process]:
    """One process that follows the news, until the end of the block."""
    store, feed = (make(server.address, steady_seconds, patience) for make in (valkey_store, valkey_feed))
    memory = Memory()
    reader = NewsReader(
        feed,
        memory,
        directory,
        node="n",
        process=name,
        serve_known_for_seconds=SERVE_KNOWN_FOR_SECONDS,
        steady=steady_seconds,
        wall=time.time,
    )
    recogniser = Recogniser(
        memory,
        BatchingReader(store.look),
        ConfiguredFirst(directory, {}),
        ValkeySessions(ValkeyLink(server.address, deadline=patience, steady=steady_seconds)),
        issuer="i",
        audience="a",
        steady=steady_seconds,
    )
    following = asyncio.create_task(reader.run())
    try:
        await asyncio.wait_for(reader.wait_ready(), 60)
        yield Process(recogniser, memory, following)
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        await store.close()
        await feed.close()


async def issued(store: ValkeyStore, number: int) -> tuple[Credential, bytes, str]:
    """A new token for alice: credential, digest, handle."""
    grant = mint.Grant(ALICE, "app", frozenset({ANYTHING}), frozenset(), frozenset(), 0, 0, 0)
    token, digest, record = mint.mint_opaque(
        grant, now=time.time(), lifetime_seconds=900, random=number.to_bytes(24) * 2
    )
    await store.put(digest, record)
    return Credential(CredentialKind.BEARER, token), digest, record.token_id


async def confirmed(feed: Feed, n: int | None) -> float:
    """Wait as a changing call does; how long it took, in seconds."""
    assert n is not None
    began = time.perf_counter()
    while await feed.unconfirmed("n", n):
        assert time.perf_counter() - began < 5
        await asyncio.sleep(0.0005)
    return time.perf_counter() - began


async def asked(process: Process, credential: Credential) -> Evidence:
    return await process.recogniser.recognise(credential, time.time())


def test_changes_bite_when_the_call_returns(valkey: ValkeyServer) -> None:
    """Revoke, edit and role change show in every process once they are confirmed, under questions all the while."""

    async def conversation() -> None:
        directory = Directory()
        admin = valkey_store(valkey.address, steady_seconds, patience)
        news = valkey_feed(valkey.address, steady_seconds, patience)
        took: list[float] = []
        async with a_process(valkey, "p0", directory) as one, a_process(valkey, "p1", directory) as two:
            busy, _, _ = await issued(admin, 1)
            going_on = True

            async def load(process: Process) -> None:
                while going_on:
                    assert isinstance(await asked(process, busy), Proven)

            loads = [asyncio.create_task(load(process)) for process in (one, two) for _ in range(4)]
            for number in range(2, 42):
                credential, digest, handle = await issued(admin, number)
                for process in (one, two):
                    assert isinstance(await asked(process, credential), Proven)
                rights = Rights(frozenset({f"r{number}"}), frozenset())
                took.append(await confirmed(news, await admin.edit(handle, rights)))
                for process in (one, two):
                    evidence = await asked(process, credential)
                    assert isinstance(evidence, Proven)
                    assert evidence.principal.roles == rights.roles
                directory.alice = replace(directory.alice, roles=frozenset({f"a{number}"}))
                took.append(
                    await confirmed(news, await news.publish([Change(ChangeKind.SUBJECT, "user:alice")]))
                )
                for process in (one, two):
                    evidence = await asked(process, busy)
                    assert isinstance(evidence, Proven)
                    assert evidence.principal.roles == directory.alice.roles
                took.append(await confirmed(news, await admin.revoke(digest)))
                for process in (one, two):
                    assert await asked(process, credential) == Invalid(InvalidBecause.UNKNOWN)
            going_on = False
            await asyncio.gather(*loads)
        await admin.close()
        await news.close()
        assert statistics.median(took) < 0.1

    asyncio.run(conversation())


def test_a_store_that_dies_and_comes_back(valkey: ValkeyServer) -> None:
    """While the store is gone: outages, never "unknown"; after it: the same answers as before, learned anew."""

    async def conversation() -> None:
        directory = Directory()
        admin = valkey_store(valkey.address, steady_seconds, patience)
        async with a_process(valkey, "p0", directory) as process:
            credential, _, _ = await issued(admin, 1)
            assert isinstance(await asked(process, credential), Proven)
            era = process.memory.ticket().era
            valkey.kill()
            began = time.monotonic()
            while time.monotonic() - began < SERVE_KNOWN_FOR_SECONDS + 0.5:
                with pytest.raises(OutageError):
                    await asked(process, credential)
                await asyncio.sleep(0.02)
            assert not process.memory.is_trusted(steady_seconds())
            valkey.start()
            while not process.memory.is_trusted(steady_seconds()):
                assert time.monotonic() - began < 10
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.6)
            assert isinstance(await asked(process, credential), Proven)
            assert process.memory.ticket().era > era
        await admin.close()

    asyncio.run(conversation())
