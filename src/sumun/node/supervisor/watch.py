"""`sumun run --watch`: a configuration that was written is brought to life, or the log says once why not.

Looks at the files every second: inotify would have to follow links, folders and renames, and does not see another
machine write to a shared folder.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from sumun.config import ConfigProblemsError
from sumun.config.problems import in_one_line
from sumun.errors import SumunError
from sumun.node.supervisor.written import Written
from sumun.rollout.watch import LOOK_EVERY_SECONDS, Watch

log = logging.getLogger(__name__)

_YOUR_INPUT = 2


async def watch(source: Path, written: Written, reload: Callable[[], Awaitable[object]]) -> None:
    """Until cancelled. `written` is of `source`."""
    watching = Watch()
    again = False
    log.info("%s is watched: what is written there is brought to life", source)
    while True:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        if watching.saw(written.looks()) and (again or written.is_new()):
            again = not await _brought_to_life(reload)
            if again:
                await asyncio.sleep(watching.failed())


async def _brought_to_life(reload: Callable[[], Awaitable[object]]) -> bool:
    """False when it was not, for a reason that does not stand in the configuration: it may be later."""
    try:
        await reload()
    except SumunError as error:
        say_why_not(error)
        return error.exit_code == _YOUR_INPUT
    except Exception:
        log.exception("not reloaded")
        return False
    return True


def say_why_not(error: SumunError) -> None:
    """A record for each thing that is wrong, and one that says what became of it."""
    if isinstance(error, ConfigProblemsError):
        for problem in error.problems:
            log.error("%s", in_one_line(problem))
        reason = f"{len(error.problems)} problem{'s' * (len(error.problems) != 1)} in the configuration"
    else:
        reason = str(error)
    log.error("not reloaded, nothing has changed: %s", reason)
