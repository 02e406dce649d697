"""The threads in which passwords are checked: few, with a waiting room that is bounded too.

A check takes about 20 ms of one core and 19 MiB (Argon2id, `directory.passwords`), on purpose. In threads, because
the hash releases the interpreter's lock and the event loop must go on; few, because more threads than cores only cost
memory; a bounded waiting room, because a queue without end turns a burst into minutes of waiting for everyone. Who
finds the room full is told to come back: LoginBusyError, which is 503 and never "wrong password".
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from sumun.login.errors import LoginBusyError

# What one check is taken to last when a full room says when to come back: slow hardware, so the hint is not too short.
SECONDS_A_CHECK = 0.05

_P = ParamSpec("_P")
_R = TypeVar("_R")


class PasswordThreads:
    """Runs checks: `at_once` threads, and at most `waiting` more checks in line."""

    def __init__(self, at_once: int, waiting: int) -> None:
        """Both at least 1 and 0. The threads start with the first check."""
        self._at_once = at_once
        self._places = at_once + waiting
        self._taken = 0
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="password")

    async def run(self, check: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Run `check` in a thread. Raises LoginBusyError at once when every place is taken, and what `check` raises.

        A caller that is cancelled leaves the line; a check that runs already keeps its place until it ends.
        """
        with self._lock:
            if self._taken >= self._places:
                raise LoginBusyError(
                    f"all {self._places} places for checking a password are taken",
                    self._retry_after_seconds(),
                )
            self._taken += 1
        try:
            future = self._pool.submit(check, *args, **kwargs)
        except BaseException:
            self._leave()
            raise
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Drop who waits and end the threads. May be called twice."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _leave(self, _done: Future[_R] | None = None) -> None:
        with self._lock:
            self._taken -= 1

    def _retry_after_seconds(self) -> int:
        return max(1, round(self._places * SECONDS_A_CHECK / self._at_once))
