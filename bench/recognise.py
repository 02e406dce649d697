"""What recognising a credential costs: CPU per look-up, beside what the raw libraries cost in the same run.

    .venv/bin/python -m bench.recognise

Opaque: the whole way (checksum, batching, one MGET, standing and client from memory, judged) at 1, 32 and 256 questions
at once, each for another token; beside it the same number of digests in raw MGETs of the same size over valkey-py.
JWT: first sight (signature and claims) and seen before; beside it the bare signature check of `cryptography`.
Times are CPU microseconds of this process, the median of interleaved rounds with their spread, without the server's.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop
from valkey.asyncio import Valkey

from sumun.access import Proven, TokenKind
from sumun.config.plan import Client, ClientKind
from sumun.identity import ANYTHING, Credential, CredentialKind, Standing, Subject
from sumun.recognition import Memory, Recogniser, steady_seconds
from sumun.recognition.memory import Ticket
from sumun.recognition.truth import ConfiguredFirst
from sumun.sessions.store_memory import MemorySessions
from sumun.tokens import mint
from sumun.tokens.batching import BatchingReader
from sumun.tokens.signing_keys import KeyRing, SigningKey, StoredKey
from sumun.tokens.stores.connect import valkey_store
from sumun.tokens.stores.memory_feed import MemoryFeed
from tests.live.valkey_server import PASSWORD, ValkeyServer, running_valkey

ROUNDS = 7
PER_ROUND = 4096
ALICE = Subject.user("alice")
ALGORITHMS = ("ES256", "EdDSA", "RS256", "PS256")
EVERYTHING = frozenset({ANYTHING})


async def cost(work: Callable[[], Awaitable[None]], count: int) -> float:
    """CPU microseconds for one of `count`."""
    began = time.process_time()
    await work()
    return (time.process_time() - began) / count * 1e6


def show(what: str, ours: list[float], raw: list[float], beside: str) -> None:
    """One line: median, spread, ratio."""
    mine, theirs = statistics.median(ours), statistics.median(raw)
    print(
        f"{what:28} {mine:7.1f} µs  ({min(ours):.1f}-{max(ours):.1f})   "
        f"{beside} {theirs:6.1f} µs  ({min(raw):.1f}-{max(raw):.1f})   {mine / theirs:5.2f}x"
    )


def a_memory(keys: list[SigningKey]) -> Memory:
    """A memory that knows alice and these keys."""
    memory = Memory()
    memory.begin(0, KeyRing.of(StoredKey(key.kid, key.alg, "active", key.to_jwk(), 0) for key in keys), [])
    memory.trust_until(float("inf"))
    standing = Standing(
        ALICE, "Alice", frozenset({"user"}), frozenset(), disabled=False, epoch=0, login_epoch=0
    )
    memory.keep_standing(memory.ticket(), ALICE, standing)
    return memory


def a_client() -> Client:
    """A configured client that may do everything."""
    return Client(
        "app", ClientKind.PUBLIC, frozenset(), None, True, (), (ANYTHING,), (), (), TokenKind.OPAQUE, 900
    )


def a_recogniser(memory: Memory, records: BatchingReader[Ticket]) -> Recogniser:
    """A recogniser whose directory is never asked."""
    directory = ConfiguredFirst(None, {"app": a_client()})  # type: ignore[arg-type]  # everything is known
    sessions = MemorySessions(MemoryFeed(steady_seconds), time.time)  # nobody has one
    return Recogniser(memory, records, directory, sessions, issuer="i", audience="a", steady=steady_seconds)


async def opaque(server: ValkeyServer) -> None:
    """The whole way of opaque tokens beside raw MGETs."""
    store = valkey_store(server.address, steady_seconds, lambda: 5.0)
    raw = Valkey(unix_socket_path=str(server.path), username="sumun", password=PASSWORD)
    grant = mint.Grant(ALICE, "app", EVERYTHING, frozenset(), frozenset(), 0, 0, 0)
    credentials: list[Credential] = []
    keys: list[str] = []
    now = time.time()
    for number in range(PER_ROUND):
        token, digest, record = mint.mint_opaque(
            grant, now=now, lifetime_seconds=900, random=number.to_bytes(24) * 2
        )
        await store.put(digest, record)
        credentials.append(Credential(CredentialKind.BEARER, token))
        keys.append(f"smn:t:{digest.hex()}")
    recogniser = a_recogniser(a_memory([]), BatchingReader(store.look))

    for at_once in (1, 32, 256):
        slices = [slice(start, start + at_once) for start in range(0, PER_ROUND, at_once)]

        async def ours(slices: list[slice] = slices) -> None:
            for part in slices:
                for evidence in await asyncio.gather(
                    *(recogniser.recognise(one, now) for one in credentials[part])
                ):
                    assert isinstance(evidence, Proven)

        async def theirs(slices: list[slice] = slices) -> None:
            for part in slices:
                await raw.mget(keys[part])

        figures: tuple[list[float], list[float]] = [], []
        for _ in range(ROUNDS):
            figures[0].append(await cost(ours, PER_ROUND))
            figures[1].append(await cost(theirs, PER_ROUND))
        show(f"opaque, {at_once} at once", *figures, "raw MGET, each")
    await store.close()
    await raw.aclose()


async def jwt() -> None:
    """JWTs beside the bare signature check."""
    keys = [SigningKey.generate(alg) for alg in ALGORITHMS]
    grant = mint.Grant(ALICE, "app", EVERYTHING, frozenset({"user"}), frozenset(), 0, 0, 0)
    now = time.time()
    for key in keys:
        tokens = [
            mint.mint_jwt(
                grant, key, issuer="i", audience="a", now=now, lifetime_seconds=900, random=n.to_bytes(16)
            )
            for n in range(512)
        ]
        credentials = [Credential(CredentialKind.BEARER, token) for token in tokens]
        memory = a_memory(keys)
        recogniser = a_recogniser(memory, BatchingReader(lambda _digests, _hear: None))  # no store is asked
        signed = key.sign(tokens[0].encode())

        async def ours(
            recogniser: Recogniser = recogniser, credentials: list[Credential] = credentials
        ) -> None:
            for one in credentials:
                assert isinstance(await recogniser.recognise(one, now), Proven)

        async def theirs(
            key: SigningKey = key, signed: bytes = signed, data: bytes = tokens[0].encode()
        ) -> None:
            for _ in range(512):
                assert key.verifies(signed, data)

        first: tuple[list[float], list[float]] = [], []
        again: list[float] = []
        for _ in range(ROUNDS):
            memory._claims.clear()  # noqa: SLF001 - seen for the first time
            first[0].append(await cost(ours, 512))
            first[1].append(await cost(theirs, 512))
            again.append(await cost(ours, 512))
        show(f"JWT {key.alg}, first sight", *first, "bare verify")
        show(f"JWT {key.alg}, seen before", again, first[1], "bare verify")


def main() -> None:
    """Run both."""
    with (
        tempfile.TemporaryDirectory(prefix="smn-", dir="/tmp") as folder,
        running_valkey(Path(folder)) as server,
    ):
        uvloop.run(opaque(server))
    uvloop.run(jwt())


if __name__ == "__main__":
    main()
