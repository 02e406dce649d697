"""An answer that is not there yet is told once, to everybody."""

from __future__ import annotations

import asyncio

from sumun.answers.later import Later


def test_everybody_hears_once() -> None:
    """What is told reaches all who listen, in the order in which they came; who tells twice is not heard."""
    heard: list[tuple[str, object]] = []
    later: Later[int] = Later()
    later.then(lambda value: heard.append(("first", value)))
    later.then(lambda value: heard.append(("second", value)))
    later.tell(7)
    later.tell(8)
    assert heard == [("first", 7), ("second", 7)]


def test_work_is_told() -> None:
    """What becomes of work that is followed is told: its result, its failure, or that it was cancelled."""

    async def told(ending: object) -> object:
        async def work() -> int:
            if isinstance(ending, Exception):
                raise ending
            if ending is None:
                await asyncio.sleep(60)
            return 7

        heard = asyncio.get_running_loop().create_future()
        later: Later[int] = Later()
        later.then(heard.set_result)
        later.follow(work())
        await asyncio.sleep(0)
        if ending is None:
            later.cancel()
        return await heard

    failure = ValueError("no")
    assert asyncio.run(told(7)) == 7
    assert asyncio.run(told(failure)) is failure
    assert isinstance(asyncio.run(told(None)), asyncio.CancelledError)
