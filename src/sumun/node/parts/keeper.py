"""The keeper's process: the only writer of what HAProxy knows, and the one that cuts its streams."""

from __future__ import annotations

import asyncio
import contextlib
import time

import msgspec

from sumun.answers.keeper_link import LENGTH, Lessons
from sumun.haproxy.master import MasterSocket
from sumun.haproxy.paths import RuntimePaths
from sumun.keeper import Bounds, Ledger
from sumun.keeper.keeper import Keeper, Names
from sumun.keeper.quota_watch import QuotaWatch
from sumun.keeper.quotas import quotas_of
from sumun.keeper.stream_cutter import StreamCutter
from sumun.keeper.stream_journal import StreamJournal
from sumun.keeper.streams import Streams
from sumun.node.assemble.stores import open_feed, open_quota_book
from sumun.node.in_force import InForce, load_plan
from sumun.node.machine.folders import DataFolder
from sumun.node.parts.program import Start, run_part, serve_until_terminated
from sumun.node.processes.control import ControlServer
from sumun.node.processes.health import answers_health
from sumun.node.processes.readiness import announce_ready
from sumun.recognition import steady_seconds

_LONGEST_MESSAGE = 64 << 20
_decode = msgspec.msgpack.Decoder(Lessons).decode


class Told:
    """What the supervisor tells this part."""

    def __init__(
        self,
        keeper: Keeper,
        cutter: StreamCutter,
        quotas: QuotaWatch,
        folder: DataFolder,
        in_force: InForce,
    ) -> None:
        self._keeper = keeper
        self._cutter = cutter
        self._quotas = quotas
        self._folder = folder
        self._in_force = in_force

    async def learn(self, words: str) -> str:
        """`learn N SECRETS`: workers of this generation are coming. The keeper needs no secret."""
        self._keeper.upcoming(int(words.split(" ", 1)[0]))
        return "learned"

    async def adopt(self, words: str) -> str:
        """`adopt N`."""
        plan = load_plan(self._folder, int(words))
        self._in_force.adopt(plan)
        await self._keeper.adopted(int(words))
        self._cutter.adopted(int(words))
        self._quotas.adopt(quotas_of(plan))
        return "adopted"

    async def retire(self, words: str) -> str:
        """`retire N`."""
        self._keeper.retired(int(words))
        return "retired"


def prepare(start: Start) -> str:
    """A name of this node's life that no other life has: data folders may be copied. Its file is root's."""
    return f"{start.node}:{start.folder.life.read_text()}"


async def serve(start: Start, life: str) -> None:
    """Keep until SIGTERM."""
    seconds = start.plan.node.serve_known_for_seconds
    paths = RuntimePaths(start.folder.run, start.folder.current)
    journal = StreamJournal(start.folder.stream_journal)
    cutter = StreamCutter(
        Streams(),
        journal,
        start.folder.workers_socket,
        steady=steady_seconds,
        wall=time.time,
        adopted=start.generation,
    )
    cutter.remember()
    in_force = InForce(start.plan)
    deadline = in_force.store_deadline_seconds
    async with open_feed(start.address, deadline) as feed, open_quota_book(start.address, deadline) as book:
        masters = MasterSocket(paths, start.folder.workers_socket)
        keeper = Keeper(
            Ledger(serve_known_for_seconds=seconds, bounds=Bounds(facts=start.plan.node.kept_facts)),
            feed,
            start.folder.workers_socket,
            paths.runtime,
            masters,
            Names(start.node, start.reader),
            generation=start.generation,
            serve_known_for_seconds=seconds,
            streams=cutter,
            steady=steady_seconds,
            wall=time.time,
        )
        quotas = QuotaWatch(book, quotas_of(start.plan), masters, start.folder.workers_socket, life)
        told = Told(keeper, cutter, quotas, start.folder, in_force)
        control = ControlServer(
            start.folder.control_socket(start.name),
            {
                "learn": told.learn,
                "adopt": told.adopt,
                "retire": told.retire,
                "health": answers_health(feed.head),
            },
        )
        server = await asyncio.start_unix_server(
            lambda reader, writer: _listen(keeper, reader, writer), str(start.folder.keeper_socket)
        )
        start.folder.keeper_socket.chmod(0o600)
        stream_server = await asyncio.start_unix_server(cutter.serve, str(start.folder.stream_socket))
        start.folder.stream_socket.chmod(0o600)
        await control.start()
        try:
            announce_ready()
            work = (keeper.run(), cutter.run(), quotas.run())
            await serve_until_terminated(*map(asyncio.create_task, work))
        finally:
            await control.close()
            server.close()
            stream_server.close()
            journal.close()


async def _listen(keeper: Keeper, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Lessons of one answering process, until it goes away."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        while True:
            (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
            if length > _LONGEST_MESSAGE:
                break
            lessons = _decode(await reader.readexactly(length))
            keeper.learn(lessons.incarnation, lessons.adopted, lessons.each())
    writer.close()


def main() -> None:
    """Run the part."""
    run_part("keeper", prepare, serve)


if __name__ == "__main__":
    main()
