"""StreamCutter: drives Streams. Answering processes tell what opened and judge again; HAProxy's workers must cut.

A cut: list the worker's streams, look up those of the right connections, cut those with the right number, and look
again until they are gone. All workers are reached through the master's socket, old ones too.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from sumun.haproxy import stream_commands
from sumun.haproxy.errors import RuntimeSocketError
from sumun.haproxy.runtime import RuntimeSocket
from sumun.haproxy.runtime_commands import to_worker
from sumun.haproxy.stream_commands import StreamName, read_name
from sumun.keeper.process_names import name_of, pid_of
from sumun.keeper.stream_journal import StreamJournal
from sumun.keeper.stream_wire import (
    Judge,
    Judged,
    Opened,
    OpenStream,
    Taken,
    framed,
    from_answerer,
    read_frame,
)
from sumun.keeper.streams import Key, Streams
from sumun.tokens.feed import News, Position

log = logging.getLogger(__name__)

_ANSWER_SECONDS: Final = (0.3, 0.6, 1.5, 5.0)
"""How long an answer may take, by how often there was none: a master that is starting itself anew leaves a connection
without one, and a list of very many streams takes its time.
"""
_JUDGE_SECONDS: Final = 2.0
_JUDGED_AT_ONCE: Final = 500
_TOLD_AT_ONCE: Final = 100
_LOOKED_UP_ONE_BY_ONE: Final = 3000
"""Beyond it one long list of all is cheaper: HAProxy walks through its streams for each look."""
_REST_SECONDS: Final = 0.02
_LONGEST_SLEEP_SECONDS: Final = 0.25
T = TypeVar("T")


class _Answerer:
    """One answering process that is linked."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[list[bool | None]]] = {}

    def taken(self, number: int) -> None:
        self._writer.write(framed(Taken(number)))

    def judged(self, answer: Judged) -> None:
        asked = self._asked.get(answer.number)
        if asked is not None and not asked.done():
            asked.set_result(answer.may)

    async def judge(self, at: Position, adopted: int, streams: list[OpenStream]) -> list[bool | None]:
        """Raises TimeoutError, ConnectionError."""
        number = next(self._numbers)
        asked = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(framed(Judge(number, at.incarnation, at.n, adopted, streams)))
            return await asyncio.wait_for(asked, _JUDGE_SECONDS)
        finally:
            del self._asked[number]

    def gone(self) -> None:
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(ConnectionError("the answering process went away"))


class StreamCutter:
    """One per node; lives on the keeper's event loop."""

    def __init__(
        self,
        streams: Streams,
        journal: StreamJournal,
        master: Path,
        *,
        steady: Callable[[], float],
        wall: Callable[[], float],
        adopted: int,
    ) -> None:
        """`master` is the path of the master's socket; `adopted` the generation in force.

        `steady` never jumps; `wall` is unix seconds.
        """
        self._streams = streams
        self._journal = journal
        self._sockets = [RuntimeSocket(master, seconds) for seconds in _ANSWER_SECONDS]
        self._failures: Counter[str] = Counter()
        self._steady = steady
        self._wall = wall
        self._adopted = adopted
        self._answerers: dict[int, _Answerer] = {}
        self._numbers = itertools.count(1)
        self._turn = itertools.count()
        self._wake = asyncio.Event()
        self._judging: set[asyncio.Task[None]] = set()
        self._cutting: dict[str, asyncio.Task[None]] = {}

    # -- what is told to it --------------------------------------------------------------------------------------

    def remember(self) -> None:
        """Take up what an earlier keeper wrote down. Raises OSError."""
        for worker, stream in self._journal.read():
            if pid_of(worker) is not None:
                self._streams.opened(worker, stream, self._steady())
        self._write_anew()

    def begun(self, position: Position) -> None:
        """News is followed from here on."""
        self._streams.begun(position, self._steady())
        self._wake.set()

    def read(self, news: list[News]) -> None:
        """The news after the position, oldest first."""
        self._streams.read(news, self._steady())
        self._wake.set()

    def lost(self) -> None:
        """News may have been missed."""
        self._streams.lost()

    def adopted(self, generation: int) -> None:
        """This generation is in force now."""
        self._adopted = generation
        self._streams.reconfigured(self._steady())
        self._wake.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One answering process, until it goes away."""
        number, answerer = next(self._numbers), _Answerer(writer)
        self._answerers[number] = answerer
        self._wake.set()
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                while True:
                    message = from_answerer(await read_frame(reader))
                    if isinstance(message, Opened):
                        self._opened(message.streams)
                        answerer.taken(message.number)
                    else:
                        answerer.judged(message)
        except msgspec.MsgspecError:
            log.exception("an answering process said what nobody understands")
        finally:
            del self._answerers[number]
            answerer.gone()
            writer.close()

    def _opened(self, streams: Iterable[OpenStream]) -> None:
        new = []
        for stream in streams:
            name = read_name(stream.name)
            worker = None if name is None else name_of(name.pid)
            if worker is not None and self._streams.opened(worker, stream, self._steady()):
                new.append((worker, stream))
        self._journal.add(new)
        self._wake.set()

    # -- the loop ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled. What is open stays open: the next keeper takes it up."""
        try:
            while True:
                self._wake.clear()
                self._streams.passed(self._steady())
                self._judge()
                self._cut()
                await self._sleep()
        finally:
            for task in (*self._judging, *self._cutting.values()):
                task.cancel()
            await asyncio.gather(*self._judging, *self._cutting.values(), return_exceptions=True)

    async def _sleep(self) -> None:
        expiry = self._streams.next_expiry()
        seconds = (
            _LONGEST_SLEEP_SECONDS if expiry is None else min(_LONGEST_SLEEP_SECONDS, expiry - self._wall())
        )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), max(seconds, 0.001))

    # -- judging -------------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        while self._answerers and (chosen := self._streams.to_judge(_JUDGED_AT_ONCE)) is not None:
            answerers = list(self._answerers.values())
            answerer = answerers[next(self._turn) % len(answerers)]
            task = asyncio.create_task(self._ask(answerer, *chosen))
            self._judging.add(task)
            task.add_done_callback(self._judging.discard)

    async def _ask(self, answerer: _Answerer, at: Position, chosen: Mapping[Key, OpenStream]) -> None:
        may: list[bool | None] = [None] * len(chosen)
        adopted = self._adopted
        try:
            may = await answerer.judge(at, adopted, list(chosen.values()))
        except (TimeoutError, ConnectionError) as trouble:
            log.warning("open streams were not judged, another process is asked: %s", trouble)
        if adopted != self._adopted:
            may = [None if one else one for one in may]
        if None in may:
            await asyncio.sleep(_REST_SECONDS)
        self._streams.judged(at, dict(zip(chosen, may, strict=True)), self._steady())
        self._wake.set()

    # -- cutting -------------------------------------------------------------------------------------------------

    def _cut(self) -> None:
        condemned = self._streams.to_cut(self._steady(), self._wall())
        workers = self._streams.workers() if self._streams.should_look() else condemned.keys()
        for worker in workers:
            if worker not in self._cutting:
                task = self._cutting[worker] = asyncio.create_task(self._cut_in(worker))
                task.add_done_callback(partial(self._done, worker))

    def _done(self, worker: str, task: asyncio.Task[None]) -> None:
        del self._cutting[worker]
        self._wake.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("a worker's streams were not cut", exc_info=task.exception())

    async def _cut_in(self, worker: str) -> None:
        """One round in one worker: cut what must end, and forget what has ended."""
        known = self._streams.of(worker)
        pid = pid_of(worker)
        looked = self._streams.should_look()
        if pid is None:
            self._streams.ended((worker, number) for number in known)
            return
        try:
            condemned = self._streams.to_cut(self._steady(), self._wall()).get(worker, {})
            looked_for = known if looked else condemned
            there = await self._find(pid, looked_for, condemned)
            doomed = [there[number] for number in condemned if number in there]
            await self._tell(pid, map(stream_commands.cut, doomed))
        except RuntimeSocketError as trouble:
            self._failures[worker] += 1
            log.warning("streams of HAProxy worker %d were not cut, once more: %s", pid, trouble)
        else:
            del self._failures[worker]
            self._streams.ended((worker, number) for number in looked_for if number not in there)
            if looked:
                self._streams.looked()
                self._write_anew()
            if doomed:
                log.info(
                    "%d streams of HAProxy worker %d are cut: their tokens allow them no more",
                    len(doomed),
                    pid,
                )
        await asyncio.sleep(_REST_SECONDS)

    async def _find(
        self, pid: int, known: Mapping[int, StreamName], condemned: Mapping[int, StreamName]
    ) -> dict[int, str]:
        """Number -> address of those of `known` that are there; for those that are not condemned the address may be "",
        and one that has just ended may be among them. Raises RuntimeSocketError.
        """
        listed = list(stream_commands.read_list(await self._said(pid, [stream_commands.LIST])))
        there_from = Counter(one.source for one in listed)
        known_from = Counter(name.source for name in known.values())
        unclear = {name.source for name in condemned.values()}
        unclear |= {source for source, count in known_from.items() if count > there_from[source] > 0}
        addresses = [one.address for one in listed if one.source in unclear]
        if len(addresses) > _LOOKED_UP_ONE_BY_ONE:
            answer = await self._said(pid, [stream_commands.LIST_ALL])
        else:
            answer = await self._tell(pid, map(stream_commands.look_up, addresses))
        there = {number: address for address, number in stream_commands.numbers(answer).items()}
        clear = (n for n, name in known.items() if name.source not in unclear and there_from[name.source])
        return dict.fromkeys(clear, "") | there

    async def _tell(self, pid: int, commands: Iterable[str]) -> str:
        return "".join([await self._said(pid, some) for some in _some(commands, _TOLD_AT_ONCE)])

    async def _said(self, pid: int, commands: Iterable[str]) -> str:
        # The master takes a line apart at each `;`, so each command says for whom it is.
        failures = self._failures[name_of(pid) or ""]
        socket = self._sockets[min(failures, len(self._sockets) - 1)]
        answer = await socket.ask("; ".join(to_worker(pid, command) for command in commands))
        if not answer:
            raise RuntimeSocketError(f"the worker {pid} is gone")
        return answer

    def _write_anew(self) -> None:
        try:
            self._journal.replace(self._streams.streams())
        except OSError as trouble:
            log.error("open streams cannot be written down: %s", trouble.strerror)


def _some(of: Iterable[T], count: int) -> Iterator[list[T]]:
    rest = iter(of)
    while some := list(itertools.islice(rest, count)):
        yield some
