"""DirectoryThreads: call the synchronous directory from the event loop.

Two small pools: looks, and changes (one thread: the database takes one writer at a time anyway, and several that wait
for its lock would only hold each other up). Both have a bounded queue: who finds it full, or waits past the deadline,
hears DirectoryUnavailableError at once instead of adding to the pile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from sumun.directory.errors import DirectoryUnavailableError

P = ParamSpec("P")
R = TypeVar("R")

LOOKING_THREADS = 4  # psycopg's share of a small server; SQLite gains nothing beyond two
LOOK_DEADLINE_SECONDS = 2.0  # a question waits no longer: HAProxy has given up by then
CHANGE_DEADLINE_SECONDS = 10.0  # twice the longest wait for the writers' lock
MAX_WAITING = 1000  # looks of 0.1 ms: a tenth of a second of work


class DirectoryThreads:
    """A bounded way to the directory. Lives on one event loop; close it before the directory."""

    def __init__(self, *, looking_threads: int = LOOKING_THREADS, max_waiting: int = MAX_WAITING) -> None:
        """`max_waiting` bounds looks and changes apart: a flood of questions does not keep an operator out."""
        self._looks = _Pool("directory-look", looking_threads, max_waiting)
        self._changes = _Pool("directory-change", 1, max_waiting)

    async def call(self, look: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """`await threads.call(directory.standing, subject)`. Raises what the look raises; DirectoryUnavailableError."""
        return await self._looks.run(LOOK_DEADLINE_SECONDS, lambda: look(*args, **kwargs))

    async def change(self, change: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The same for what writes.

        After a deadline, or when the caller is cancelled, a change that had begun goes on and is kept (its outbox entry
        sees to the news); one that had not begun never happens.
        """
        return await self._changes.run(CHANGE_DEADLINE_SECONDS, lambda: change(*args, **kwargs))

    async def close(self) -> None:
        """Let what has begun finish, drop what waits. May be called twice."""
        await asyncio.gather(self._looks.close(), self._changes.close())


class _Pool:
    """Some threads and a queue with an end."""

    def __init__(self, name: str, threads: int, max_waiting: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._room = threads + max_waiting

    async def run(self, deadline_seconds: float, work: Callable[[], R]) -> R:
        if self._room <= 0:
            raise DirectoryUnavailableError("too many callers wait for the directory: try again in a moment")
        self._room -= 1
        try:
            begun = self._threads.submit(work)
        except RuntimeError:  # the pool is closed
            self._room += 1
            raise DirectoryUnavailableError(
                "the directory is being closed: this process is stopping"
            ) from None
        loop = asyncio.get_running_loop()
        begun.add_done_callback(lambda _: _tell(loop, self._make_room))
        return await _within(deadline_seconds, begun)

    def _make_room(self) -> None:
        self._room += 1

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)


def _tell(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """From a thread to the loop; a loop that is gone needs no telling."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)


async def _within(deadline_seconds: float, begun: Future[R]) -> R:
    try:
        return await asyncio.wait_for(asyncio.wrap_future(begun), deadline_seconds)
    except TimeoutError:
        if begun.cancelled():
            said = "and it was not begun: nothing happened"
        else:
            said = "and it may still happen: look before you repeat it"
        raise DirectoryUnavailableError(
            f"the directory did not answer within {deadline_seconds:g} s, {said}"
        ) from None
    except asyncio.CancelledError:
        if begun.cancelled() and (task := asyncio.current_task()) is not None and not task.cancelling():
            raise DirectoryUnavailableError(
                "the directory is being closed: this process is stopping"
            ) from None
        raise
