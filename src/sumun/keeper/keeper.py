"""Keeper: drives the ledger. What happens goes in, what it orders is carried out.

    looks   which workers live (the master's `show proc`), several times a second while they come and go
    reads   the feed; confirms what the ledger says may be confirmed, then tells it so
    orders  one command a worker at a time; a worker that must be stopped is killed: nothing else is a proof
    learns  facts from the answering processes

Whatever fails here, nothing more is confirmed and no lease is given; what was given runs out by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Protocol

from sumun.errors import OutageError
from sumun.haproxy.errors import RuntimeSocketError
from sumun.haproxy.master import MasterSocket
from sumun.haproxy.runtime_commands import Processes
from sumun.keeper.ledger import Ledger, Lesson, Order, Reading
from sumun.keeper.process_names import name_of
from sumun.keeper.worker_socket import WorkerSocket
from sumun.tokens.errors import NewsLostError
from sumun.tokens.feed import Feed, News, Position

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.25
# A look wakes four processes, which callers would wait for. While one worker serves and none is expected it need not be
# often: one that nobody told of comes without a lease, and one that is gone is waited for only by changes. The clocks
# are looked at as often as ever.
_CALM_LOOK_SECONDS = 1.0
_LONGEST_HEARTBEAT_SECONDS = 0.25
_PAUSE_SECONDS = 0.2
# Two machines' clocks may run apart by 500 parts in a million; this is far more (as in recognition/news_reader.py).
_WAITED_FOR_FACTOR = 1.02
_WAITED_FOR_EXTRA_SECONDS = 0.25
_GOODBYE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Names:
    """Who this keeper is to the feed."""

    node: str
    process: str


class FollowsNews(Protocol):
    """Whoever else must hear what the feed says: what is done about it is not waited for."""

    def begun(self, position: Position) -> None:
        """News is followed from here on."""
        ...

    def read(self, news: list[News]) -> None:
        """The news after the position, oldest first."""
        ...

    def lost(self) -> None:
        """News may have been missed."""
        ...


class Keeper:
    """One per node. Lives on one event loop."""

    def __init__(
        self,
        ledger: Ledger,
        feed: Feed,
        master: Path,
        newest: Path,
        masters: MasterSocket,
        names: Names,
        *,
        generation: int,
        serve_known_for_seconds: float,
        streams: FollowsNews,
        steady: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        """`generation` is the one in force; `steady` never jumps.

        `master` is the path of the master's socket, by which every worker is reached; `newest` of the socket on which
        the newest worker listens.
        """
        self._ledger = ledger
        self._feed = feed
        self._master = master
        self._newest_listens = newest
        self._masters = masters
        self._names = names
        self._generation = generation
        self._upcoming: int | None = None
        self._waited_for = serve_known_for_seconds * _WAITED_FOR_FACTOR + _WAITED_FOR_EXTRA_SECONDS
        self._streams = streams
        self._steady = steady
        self._wall = wall
        self._position: Position | None = None
        self._has_looked = False
        self._look_soon = asyncio.Event()
        self._workers: dict[str, int] = {}
        self._newest: str | None = None
        self._generations: dict[str, int] = {}
        self._carrying: set[asyncio.Task[None]] = set()
        self._moved = asyncio.Event()  # something may be confirmable that was not

    # -- what is told to it --------------------------------------------------------------------------------------

    def learn(self, incarnation: str, adopted: int, lessons: Iterable[Lesson]) -> None:
        """Lessons of an answering process."""
        self._ledger.learned(incarnation, adopted, lessons)
        self._order()

    def upcoming(self, generation: int) -> None:
        """A reload is coming: a worker that appears from now on is of this generation."""
        self._upcoming = generation
        self._look_soon.set()

    async def adopted(self, generation: int) -> None:
        """The reload is done: the newest worker is of this generation, a new one or one whose routes were switched.

        Returns when nothing of before is believed any more, or the leases must be over.
        """
        self._generation, self._upcoming = generation, None
        await self._look()
        if self._newest is not None:
            self._generations[self._newest] = generation
            self._ledger.workers(self._generations, self._newest)
        self._order()
        until = self._steady() + self._waited_for
        while not self._ledger.is_trusted_only(self._newest or "") and self._steady() < until:
            self._moved.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), _LOOK_SECONDS)

    def retired(self, generation: int) -> None:
        """Nobody asks under it; or its reload was refused."""
        if self._upcoming == generation:
            self._upcoming = None

    # -- the loops -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled; then every lease is taken, and the feed is told goodbye."""
        loops = (asyncio.create_task(self._look_forever()), asyncio.create_task(self._read_forever()))
        try:
            done, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            loops[1].cancel()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._say_goodbye(), _GOODBYE_SECONDS)
            for task in (*loops, *self._carrying):
                task.cancel()
            await asyncio.gather(*loops, *self._carrying, return_exceptions=True)

    async def _look_forever(self) -> None:
        looked_at = -inf
        while True:
            if (
                self._look_soon.is_set()
                or not self._is_calm()
                or self._steady() >= looked_at + _CALM_LOOK_SECONDS
            ):
                self._look_soon.clear()
                looked_at = self._steady()
                await self._look()
            self._order()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._look_soon.wait(), _LOOK_SECONDS)

    def _is_calm(self) -> bool:
        """One worker serves, and nobody said that another comes."""
        return self._upcoming is None and self._workers.keys() == {self._newest}

    async def _look(self) -> None:
        try:
            processes = await self._masters.processes()
        except RuntimeSocketError:
            if not self._has_looked:
                return  # nobody knows who believes on the word of an earlier keeper: nothing may be confirmed
            # The master is being started, or starts itself anew. Of the workers that were there, these still are.
            alive = {name: pid for name, pid in self._workers.items() if name_of(pid) == name}
            self._see(alive, self._newest if self._newest in alive else None)
            return
        self._has_looked = True
        names = {name: pid for pid in _alive(processes) if (name := name_of(pid)) is not None}
        newest = processes.newest
        self._see(names, None if newest is None else name_of(newest))

    def _see(self, workers: dict[str, int], newest: str | None) -> None:
        for name in workers:
            self._generations.setdefault(name, self._upcoming or self._generation)
        self._workers, self._newest = workers, newest
        self._generations = {name: n for name, n in self._generations.items() if name in workers}
        self._ledger.workers(self._generations, newest)
        self._moved.set()

    async def _read_forever(self) -> None:
        while True:
            try:
                await self._read()
            except NewsLostError as lost:
                log.warning("what HAProxy knows is taken back: %s", lost)
                self._lose()
            except OutageError as outage:
                log.warning("the news cannot be followed, leases run out: %s", outage)
                self._order()
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _read(self) -> None:
        looked_at = self._steady()
        if self._position is None:
            self._position = await self._feed.head()
            self._ledger.begun(self._position)
            self._streams.begun(self._position)
        else:
            news = await self._feed.read_after(self._position, _LONGEST_HEARTBEAT_SECONDS)
            if news:
                self._position = Position(self._position.incarnation, news[-1].n)
                self._streams.read(news)
            self._ledger.read(news)
        self._order()
        await self._confirm(looked_at)
        self._order()

    async def _confirm(self, looked_at: float) -> None:
        """Tell the feed what may be confirmed, as soon as it may be; the whole position is what a lease hangs on."""
        confirmed: Position | None = None
        asked_at = 0.0
        until = self._steady() + _LONGEST_HEARTBEAT_SECONDS
        while self._position is not None and confirmed != self._position and self._steady() < until:
            self._moved.clear()
            confirmable = self._ledger.confirmable(self._now())
            if confirmable is not None and confirmable != confirmed:
                asked_at = self._steady()
                await self._feed.confirm(*_both(self._names), confirmable, self._waited_for)
                confirmed = confirmable
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), until - self._steady())
        if confirmed is not None and confirmed == self._position:
            self._ledger.told(looked_at, asked_at, self._steady())

    def _lose(self) -> None:
        self._position = None
        self._ledger.lost()
        self._streams.lost()
        self._order()

    # -- orders --------------------------------------------------------------------------------------------------

    def _now(self) -> Reading:
        return Reading(self._steady(), self._wall())

    def _order(self) -> None:
        for order in self._ledger.orders(self._now()):
            if isinstance(order, Order):
                task = asyncio.create_task(self._carry_out(order))
                self._carrying.add(task)
                task.add_done_callback(self._carrying.discard)
            else:
                self._stop(order.worker)

    async def _carry_out(self, order: Order) -> None:
        pid = self._workers.get(order.worker)
        try:
            if pid is None:
                raise RuntimeSocketError(f"the worker {order.worker} is gone")
            straight = self._newest_listens if order.worker == self._newest else None
            found = await WorkerSocket(self._master, pid, straight).carry_out(order.command)
        except (RuntimeSocketError, ValueError) as trouble:
            log.warning("a worker did not do what it was told: %s", trouble)
            self._look_soon.set()
            await asyncio.sleep(_PAUSE_SECONDS)
            self._ledger.failed(order.worker)
        else:
            self._ledger.answered(order.worker, found)
        self._moved.set()
        self._order()

    def _stop(self, worker: str) -> None:
        pid = self._workers.get(worker)
        if pid is not None and name_of(pid) == worker:
            log.error("HAProxy worker %d cannot be told to believe nothing; it is stopped", pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def _say_goodbye(self) -> None:
        self._lose()
        while not self._ledger.is_trusted_nowhere():
            self._order()
            await asyncio.sleep(0.01)
        with contextlib.suppress(OutageError):
            await self._feed.confirm(*_both(self._names), await self._feed.head(), 0)


def _both(names: Names) -> tuple[str, str]:
    return names.node, names.process


def _alive(processes: Processes) -> tuple[int, ...]:
    return (*processes.workers, *processes.old_workers)
