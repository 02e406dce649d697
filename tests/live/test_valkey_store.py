"""The contracts of tokens on a real Valkey server, and what only a real server can do to us."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography import x509

from sumun.sessions import Farewells
from sumun.sessions.farewells_valkey import ValkeyFarewells
from sumun.sessions.store_valkey import ValkeySessions
from sumun.tokens.ephemeral import EphemeralStore
from sumun.tokens.errors import NewsLostError, StoreUnavailableError
from sumun.tokens.feed import Change, ChangeKind, Feed
from sumun.tokens.stores.connect import valkey_ephemeral, valkey_feed, valkey_store, valkey_tickets
from sumun.tokens.stores.valkey import ValkeyStore
from sumun.tokens.stores.valkey_link import Deadline, ValkeyAddress, ValkeyLink
from sumun.tokens.tickets import TicketStore
from tests.certificates import Certificate
from tests.contracts.ephemeral_store import EphemeralStoreContract
from tests.contracts.farewells import FarewellsContract
from tests.contracts.feed import ALICE, FeedContract
from tests.contracts.session_store import Opened, SessionStoreContract
from tests.contracts.ticket_store import TicketStoreContract
from tests.contracts.token_store import RIGHTS, Pair, TokenStoreContract, a_digest, a_record
from tests.live.node_under_test import until
from tests.live.ports import free_port
from tests.live.valkey_server import PASSWORD, ValkeyServer, patience, running_valkey


@pytest.fixture(scope="module")
def running() -> Iterator[ValkeyServer]:
    """One server for the module."""
    with (
        tempfile.TemporaryDirectory(prefix="smn-", dir="/tmp") as folder,
        running_valkey(Path(folder), free_port()) as server,
    ):
        yield server


@pytest.fixture
def valkey(running: ValkeyServer) -> ValkeyServer:
    """The server, empty, and knowing no script."""
    assert running.admin("FLUSHALL") == "+OK"
    assert running.admin("SCRIPT", "FLUSH") == "+OK"
    return running


@asynccontextmanager
async def opened(
    server: ValkeyServer, address: ValkeyAddress | None = None, deadline: Deadline = patience
) -> AsyncIterator[Pair]:
    """Store and feed, closed afterwards."""
    address = address or server.address
    store, feed = (
        valkey_store(address, time.monotonic, deadline),
        valkey_feed(address, time.monotonic, deadline),
    )
    try:
        yield store, feed
    finally:
        await store.close()
        await feed.close()


class OnValkey:
    """Opens the parts under test on the module's server."""

    server: ClassVar[ValkeyServer]

    @pytest.fixture(autouse=True)
    def _on(self, valkey: ValkeyServer) -> None:
        type(self).server = valkey


class TestValkeyStore(OnValkey, TokenStoreContract):
    def open(self):
        return opened(self.server)


class TestValkeyTickets(OnValkey, TicketStoreContract):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[TicketStore]:
        tickets = valkey_tickets(self.server.address, time.monotonic, patience)
        try:
            yield tickets
        finally:
            await tickets.close()


class TestValkeyEphemeral(OnValkey, EphemeralStoreContract):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[EphemeralStore]:
        things = valkey_ephemeral(self.server.address, time.monotonic, patience)
        try:
            yield things
        finally:
            await things.close()


class TestValkeySessions(OnValkey, SessionStoreContract):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        sessions = ValkeySessions(ValkeyLink(self.server.address, deadline=patience, steady=time.monotonic))
        async with opened(self.server) as (_, feed):
            try:
                yield sessions, feed
            finally:
                await sessions.close()


class TestValkeyFarewells(OnValkey, FarewellsContract):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[Farewells]:
        farewells = ValkeyFarewells(ValkeyLink(self.server.address, deadline=patience, steady=time.monotonic))
        try:
            yield farewells
        finally:
            await farewells.close()


class TestValkeyFeed(OnValkey, FeedContract):
    @asynccontextmanager
    async def open(self) -> AsyncIterator[Feed]:
        async with opened(self.server) as (_, feed):
            yield feed

    async def lose_before(self, feed: Feed, n: int) -> None:
        self.server.admin("XTRIM", "smn:news", "MINID", "=", f"{n}-0")

    async def begin_anew(self, feed: Feed) -> None:
        assert self.server.admin("FLUSHALL") == "+OK"


def test_acknowledged_means_kept(valkey: ValkeyServer) -> None:
    """A token, an edit and a revocation that were acknowledged survive kill -9 of the server."""
    kept, gone = a_digest(), a_digest()
    record = a_record()

    async def before() -> None:
        async with opened(valkey) as (store, _):
            await store.put(kept, record)
            await store.put(gone, a_record())
            assert await store.edit(record.token_id, RIGHTS) is not None
            assert await store.revoke(gone) is not None

    async def after() -> None:
        async with opened(valkey) as (store, _):
            found, missing = await store.get_many([kept, gone])
            assert found is not None
            assert found.roles == RIGHTS.roles
            assert missing is None

    asyncio.run(before())
    valkey.kill()
    valkey.start()
    asyncio.run(after())


def test_a_restart_is_another_incarnation(valkey: ValkeyServer) -> None:
    """A reader that goes on after the server restarted is told to forget: the server may have lost the last news."""

    async def conversation() -> None:
        async with opened(valkey) as (_, feed):
            await feed.publish([ALICE])
            position = await feed.head()
            valkey.kill()
            with pytest.raises(StoreUnavailableError):
                await feed.read_after(position, 0.1)
            valkey.start()
            await asyncio.sleep(0.6)  # the longest pause of the link
            with pytest.raises(NewsLostError):
                await feed.read_after(position, 0.1)
            assert (await feed.head()).n == position.n

    asyncio.run(conversation())


def test_readers_are_waited_for_after_a_restart(valkey: ValkeyServer) -> None:
    """A server that began anew has heard nobody: whoever spoke to the one before counts as behind while he may live."""

    async def conversation() -> None:
        async with opened(valkey) as (_, feed):
            head = await feed.head()
            await feed.confirm("a", "long", head, 60)
            await feed.confirm("a", "short", head, 0.5)
            await feed.confirm("a", "gone", head, 60)
            await feed.confirm("a", "gone", head, 0)
            assert await feed.unconfirmed("a", head.n) == frozenset()
        valkey.kill()
        valkey.start()
        async with opened(valkey) as (_, feed):
            assert await feed.unconfirmed("a", head.n) == {"a/long", "a/short"}
            await asyncio.sleep(0.6)
            assert await feed.unconfirmed("a", head.n) == {"a/long"}
            await feed.confirm("a", "long", await feed.head(), 60)
            assert await feed.unconfirmed("a", head.n) == frozenset()

    asyncio.run(conversation())


def test_readers_are_waited_for_after_two_failovers(valkey: ValkeyServer) -> None:
    """A server that was a replica in between knows that its own memory of the readers is out of date."""

    def linked(server: ValkeyServer) -> bool:
        return "master_link_status:up" in server.admin_text("INFO", "replication")

    async def conversation(other: ValkeyServer) -> None:
        assert other.admin("REPLICAOF", "127.0.0.1", str(valkey.port)) == "+OK"
        until(lambda: linked(other), why="it is a replica")
        async with opened(valkey) as (_, feed):
            head = await feed.head()
            await feed.confirm("a", "answer-0", head, 0.5)
        until(lambda: other.admin("EXISTS", "smn:readers") == ":1", why="it knows the readers")
        assert other.admin("REPLICAOF", "NO", "ONE") == "+OK"
        assert valkey.admin("REPLICAOF", "127.0.0.1", str(other.port)) == "+OK"
        until(lambda: linked(valkey), why="they have changed places")
        async with opened(other) as (_, feed):
            await feed.confirm("a", "answer-0", await feed.head(), 60)
            n = await feed.publish([ALICE])
        until(lambda: valkey.admin("HGET", "smn:feed", "n") == other.admin("HGET", "smn:feed", "n"))
        await asyncio.sleep(0.6)  # by what the first one heard itself, nobody is alive any more
        assert valkey.admin("REPLICAOF", "NO", "ONE") == "+OK"
        async with opened(valkey) as (_, feed):
            assert await feed.unconfirmed(None, n) == {"a/answer-0"}

    with (
        tempfile.TemporaryDirectory(prefix="smn-", dir="/tmp") as folder,
        running_valkey(Path(folder), free_port()) as other,
    ):
        asyncio.run(conversation(other))


def test_a_heartbeat_costs_no_disk(valkey: ValkeyServer) -> None:
    """Saying again what is known already writes nothing: an idle node leaves the disk alone, a full one is followed."""

    def written() -> int:
        return sum(file.stat().st_size for file in valkey.folder.rglob("*.aof"))

    async def conversation() -> None:
        async with opened(valkey) as (_, feed):
            head = await feed.head()
            await feed.confirm("a", "answer-0", head, 60)
            before = written()
            for _ in range(20):
                await feed.confirm("a", "answer-0", head, 60)
                await feed.read_after(head, 0)
            assert written() == before
            assert await feed.unconfirmed("a", head.n) == frozenset()
            assert written() == before

    asyncio.run(conversation())


def test_nothing_is_sent_that_a_full_disk_could_not_keep(
    valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server of ours would end: so writes are refused before, and what needs no disk goes on."""

    async def conversation() -> None:
        async with opened(valkey, replace(valkey.address, disk="/the/disk")) as (store, feed):
            head = await feed.head()
            await feed.confirm("a", "answer-0", head, 60)
            monkeypatch.setattr(
                os, "statvfs", lambda _: os.statvfs_result((4096, 4096, 1000, 0, 0, 0, 0, 0, 0, 255))
            )
            for attempt in (
                feed.publish([ALICE]),
                store.revoke(b"x" * 32),
                feed.confirm("a", "answer-0", head, 0),
            ):
                with pytest.raises(StoreUnavailableError, match="the disk of the token store is full"):
                    await attempt
            await feed.confirm("a", "answer-0", head, 60)
            assert await feed.read_after(head, 0) == []
            assert await store.get_many([b"x" * 32]) == [None]

    asyncio.run(conversation())


def test_a_hanging_server_is_an_outage_in_time(valkey: ValkeyServer) -> None:
    """A server that says nothing costs one deadline; afterwards every answer belongs to its question again."""
    deadline = patience()

    async def conversation() -> None:
        nonlocal deadline
        async with opened(valkey, deadline=lambda: deadline) as (store, _):
            digests = [a_digest() for _ in range(20)]
            records = [a_record(token_id=f"tid_{i}") for i in range(20)]
            for digest, record in zip(digests, records, strict=True):
                await store.put(digest, record)
            valkey.freeze()
            deadline = 0.5
            began = time.monotonic()
            asked = [asyncio.create_task(store.get_many([digest])) for digest in digests]
            await asyncio.sleep(0.05)
            asked[3].cancel()  # and somebody goes away in the middle of it
            results = await asyncio.gather(*asked, return_exceptions=True)
            assert time.monotonic() - began < 10 * deadline
            deadline = patience()
            assert isinstance(results.pop(3), asyncio.CancelledError)
            assert all(isinstance(result, StoreUnavailableError) for result in results)
            valkey.thaw()
            answers = await asyncio.gather(*(store.get_many([digest]) for digest in digests))
            assert answers == [[record] for record in records]

    try:
        asyncio.run(conversation())
    finally:
        valkey.thaw()


def test_a_server_that_was_busy_is_no_server_that_is_gone(valkey: ValkeyServer) -> None:
    """Who waited for too long is told so; who asked later gets its own answer, and the next one is not put off."""

    async def conversation() -> None:
        deadline = patience()
        link = ValkeyLink(valkey.address, deadline=lambda: deadline, steady=time.monotonic)
        store = ValkeyStore(link)
        try:
            digests = [a_digest() for _ in range(3)]
            records = [a_record(token_id=f"tid_{number}") for number in range(3)]
            for digest, record in zip(digests, records, strict=True):
                await store.put(digest, record)
            await store.get_many(digests)
            valkey.freeze()
            deadline = 0.3
            first = asyncio.create_task(store.get_many([digests[0]]))
            await asyncio.sleep(0.1)
            deadline = patience()
            second = asyncio.create_task(store.get_many([digests[1]]))
            with pytest.raises(StoreUnavailableError, match="in time"):
                await first
            valkey.thaw()
            assert await store.get_many([digests[2]]) == [records[2]]
            assert await second == [records[1]]
        finally:
            await store.close()

    try:
        asyncio.run(conversation())
    finally:
        valkey.thaw()


def test_a_fault_of_ours_is_told(valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits hears that a record could not be read, whatever went wrong; the next read on the connection is answered."""

    async def conversation() -> None:
        async with opened(valkey) as (store, _):
            digest, record = a_digest(), a_record()
            await store.put(digest, record)
            assert await store.get_many([digest]) == [record]
            with monkeypatch.context() as patch:
                patch.setattr("sumun.tokens.stores.valkey.decode", lambda _data: {}["nothing"])
                with pytest.raises(StoreUnavailableError):
                    await asyncio.wait_for(store.get_many([digest]), 60)
            assert await store.get_many([digest]) == [record]

    asyncio.run(conversation())


def test_a_server_that_is_gone_is_not_knocked_at_all_the_time(valkey: ValkeyServer) -> None:
    """While nobody answers, questions fail at once and few of them try; the link comes back by itself."""

    async def conversation() -> None:
        knocks = 0

        async def slam(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal knocks
            knocks += 1
            writer.close()

        async with opened(valkey) as (store, _):
            digest, record = a_digest(), a_record()
            await store.put(digest, record)
            valkey.kill()
            valkey.path.unlink(missing_ok=True)
            async with await asyncio.start_unix_server(slam, valkey.path):
                began = time.monotonic()
                asked = 0
                while time.monotonic() - began < 0.6 or asked <= 200:
                    asked += 1
                    with pytest.raises(StoreUnavailableError):
                        await store.get_many([digest])
                    await asyncio.sleep(0)
            assert 2 <= knocks < 20 + 4 * (time.monotonic() - began)
            valkey.path.unlink(missing_ok=True)
            valkey.start()
            await asyncio.sleep(0.6)
            assert await store.get_many([digest]) == [record]

    asyncio.run(conversation())


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
        (("ACL", "SETUSER", "sumun", "-evalsha"), ("ACL", "SETUSER", "sumun", "+evalsha")),
        (("ACL", "SETUSER", "sumun", "resetpass"), ("ACL", "SETUSER", "sumun", f">{PASSWORD}")),
        (("RENAME", "smn:feed", "smn:elsewhere"), ("RENAME", "smn:elsewhere", "smn:feed")),
    ],
    ids=("out of memory", "read-only", "not permitted", "wrong password", "feed of another type"),
)
def test_a_server_in_trouble_is_an_outage(
    valkey: ValkeyServer, broken: tuple[str, ...], mended: tuple[str, ...]
) -> None:
    """Whatever the server refuses for: an outage, whose words hold nothing of what was sent."""
    digest, record = a_digest(), a_record(note="quiet please")

    async def conversation() -> None:
        async with opened(valkey) as (store, _):
            await store.put(digest, record)
            await store.edit(record.token_id, RIGHTS)
        assert valkey.admin(*broken) == "+OK"
        if broken[0] == "RENAME":
            valkey.admin("SET", "smn:feed", "text")
        async with opened(valkey) as (store, _):
            with pytest.raises(StoreUnavailableError) as caught:
                await store.edit(record.token_id, RIGHTS)
            said = f"{caught.value} {caught.value.__cause__}"
            assert not any(word in said for word in (digest.hex(), record.token_id, "quiet", PASSWORD))

    try:
        asyncio.run(conversation())
    finally:
        valkey.admin("DEL", "smn:feed")
        assert valkey.admin(*mended) == "+OK"
        time.sleep(0.05)


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "nonsense",
        "1 tid_x {",
        '3 tid_x {"s":"user:alice","c":"x","p":["*:*"],"i":1,"e":2,"l":0}',
        '1 tid_x {"s":"robot:alice","c":"x","p":["*:*"],"i":1,"e":2,"l":0}',
        '1 tid_x {"s":"user:alice","c":"x","p":["no"],"i":1,"e":2,"l":0}',
        '1 tid_x {"s":"user:alice","c":"x","p":["*:*"],"i":1.5,"e":2,"l":0}',
    ],
)
def test_a_corrupt_record_is_our_outage(valkey: ValkeyServer, stored: str) -> None:
    """Bytes that are no record say nothing of the token: 503, and not "no such token"."""
    digest = a_digest()
    valkey.admin("SET", f"smn:t:{digest.hex()}", stored)

    async def conversation() -> None:
        async with opened(valkey) as (store, _):
            with pytest.raises(StoreUnavailableError):
                await store.get_many([digest])

    asyncio.run(conversation())


def test_a_key_of_another_type_is_our_outage_for_a_revocation_too(valkey: ValkeyServer) -> None:
    """A revocation never claims that there was nothing to revoke when it could not look."""
    digest = a_digest()
    valkey.admin("LPUSH", f"smn:t:{digest.hex()}", "x")

    async def conversation() -> None:
        async with opened(valkey) as (store, _):
            with pytest.raises(StoreUnavailableError):
                await store.revoke(digest)

    asyncio.run(conversation())


def test_a_token_is_nowhere_in_the_server(valkey: ValkeyServer) -> None:
    """What reaches the disk holds digests, never a token."""
    from sumun.tokens import format as token_format

    token = token_format.new()

    async def conversation() -> None:
        async with opened(valkey) as (store, _):
            await store.put(token_format.digest(token), a_record())
            await store.revoke(token_format.digest(token))

    asyncio.run(conversation())
    written = b"".join(file.read_bytes() for file in valkey.folder.rglob("*") if file.is_file())
    assert token_format.digest(token).hex().encode() in written
    assert token.encode() not in written
    assert token[7:20].encode() not in written


def test_a_revoked_token_leaves_nothing(valkey: ValkeyServer) -> None:
    """Neither the record nor the way to it stays behind: a million revoked tokens are no memory."""

    async def conversation() -> None:
        async with opened(valkey) as (store, feed):
            await feed.head()
            before = valkey.admin("DBSIZE")
            digest = a_digest()
            await store.put(digest, a_record())
            await store.revoke(digest)
            assert int(valkey.admin("DBSIZE")[1:]) == int(before[1:]) + 1  # the stream

    asyncio.run(conversation())


def test_the_stream_stays_bounded(valkey: ValkeyServer) -> None:
    """However many changes: the server keeps about a hundred thousand, and a reader within them misses nothing."""

    async def conversation() -> None:
        async with opened(valkey) as (_, feed):
            start = await feed.head()
            for _ in range(26):
                await feed.publish([Change(ChangeKind.SUBJECT, "user:x")] * 4000)
            assert int(valkey.admin("XLEN", "smn:news")[1:]) < 101_000
            with pytest.raises(NewsLostError):
                await feed.read_after(start, 0)

    asyncio.run(conversation())


def test_repr_keeps_the_password() -> None:
    """An address that is logged by mistake shows neither password nor URL."""
    shown = repr(ValkeyAddress(url="redis://u:secret@127.0.0.1:1/0", password="secret"))
    assert "secret" not in shown


def test_reaches_a_server_over_tls(valkey: ValkeyServer, tmp_path: Path) -> None:
    """A `rediss://` URL is TLS with a certificate that is verified: writes and reads go through, a stranger's is an outage."""
    authority, stranger = Certificate.authority(), Certificate.authority("a stranger")
    for name, one in (("authority", authority), ("stranger", stranger)):
        (tmp_path / f"{name}.pem").write_text(one.pem())
    here = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    authority.issue("store", names=here).write(tmp_path, "store")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "store.pem", tmp_path / "store.key")

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_unix_connection(valkey.path)
        with contextlib.suppress(OSError):
            await asyncio.gather(pass_on(reader, before), pass_on(behind, writer))

    async def conversation() -> None:
        async with await asyncio.start_server(meet, "127.0.0.1", 0, ssl=tls) as relay:
            port = relay.sockets[0].getsockname()[1]
            url = f"rediss://sumun:{PASSWORD}@127.0.0.1:{port}/0?ssl_ca_certs={tmp_path}"
            digest, record = a_digest(), a_record()
            async with opened(valkey, ValkeyAddress(url=f"{url}/authority.pem")) as (store, _):
                await store.put(digest, record)
                assert await store.get_many([digest]) == [record]
            async with opened(valkey, ValkeyAddress(url=f"{url}/stranger.pem")) as (store, _):
                with pytest.raises(StoreUnavailableError):
                    await store.get_many([digest])

    asyncio.run(conversation())


def test_reaches_a_server_over_tcp(tmp_path: Path) -> None:
    """A `valkey://` URL with user and password works as the socket does; a wrong password is an outage."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="smn-", dir="/tmp") as folder,
        running_valkey(Path(folder), port) as server,
    ):

        async def conversation() -> None:
            digest, record = a_digest(), a_record()
            for scheme in ("valkey", "redis"):
                url = ValkeyAddress(url=f"{scheme}://sumun:{PASSWORD}@127.0.0.1:{port}/0")
                async with opened(server, url) as (store, _):
                    await store.put(digest, record)
                    assert await store.get_many([digest]) == [record]
            wrong = ValkeyAddress(url=f"valkey://sumun:wrong@127.0.0.1:{port}")
            async with opened(server, wrong) as (store, _):
                with pytest.raises(StoreUnavailableError):
                    await store.get_many([digest])

        asyncio.run(conversation())
