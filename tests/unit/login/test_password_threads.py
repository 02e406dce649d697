"""Passwords are checked in a few threads, and who finds no place is told at once."""

from __future__ import annotations

import asyncio
import threading

import pytest

from sumun.login.errors import LoginBusyError
from sumun.login.password_threads import PasswordThreads


def test_full() -> None:
    """With every place taken the next one hears LoginBusyError at once, and a place that is free again is used."""

    async def story() -> None:
        threads, gate = PasswordThreads(2, 3), threading.Event()
        try:
            inside = [asyncio.ensure_future(threads.run(gate.wait, 10)) for _ in range(5)]
            await asyncio.sleep(0)
            for _ in range(3):
                with pytest.raises(LoginBusyError) as error:
                    await threads.run(gate.wait, 10)
                assert error.value.retry_after_seconds >= 1
            gate.set()
            assert await asyncio.gather(*inside) == [True] * 5
            assert await threads.run(lambda: 7) == 7
        finally:
            gate.set()
            threads.close()

    asyncio.run(story())


def test_at_most_so_many_at_once() -> None:
    """No more checks run at the same time than there are threads, and none is lost."""
    running: list[int] = []
    most = 0
    lock = threading.Lock()

    def check(number: int) -> int:
        nonlocal most
        with lock:
            running.append(number)
            most = max(most, len(running))
        threading.Event().wait(0.005)
        with lock:
            running.remove(number)
        return number

    async def story() -> None:
        threads = PasswordThreads(2, 50)
        try:
            done = await asyncio.gather(*(threads.run(check, number) for number in range(20)))
            assert sorted(done) == list(range(20))
            assert most == 2
        finally:
            threads.close()

    asyncio.run(story())


def test_a_caller_who_leaves_the_line() -> None:
    """A cancelled caller's place is free again once nothing of it runs, and errors come through."""

    def fail() -> None:
        raise ValueError("of the check")

    async def story() -> None:
        threads, gate = PasswordThreads(1, 1), threading.Event()
        try:
            runs = asyncio.ensure_future(threads.run(gate.wait, 10))
            waits = asyncio.ensure_future(threads.run(gate.wait, 10))
            await asyncio.sleep(0)
            waits.cancel()
            await asyncio.gather(waits, return_exceptions=True)
            again = asyncio.ensure_future(threads.run(gate.wait, 10))  # the place in the line is free
            await asyncio.sleep(0)
            runs.cancel()
            await asyncio.gather(runs, return_exceptions=True)
            with pytest.raises(LoginBusyError):  # its check still runs, so its place is taken
                await threads.run(gate.wait, 10)
            gate.set()
            assert await again is True
            with pytest.raises(ValueError, match="of the check"):
                await threads.run(fail)
            assert await threads.run(lambda: 1) == 1
        finally:
            gate.set()
            threads.close()
            threads.close()

    asyncio.run(story())
