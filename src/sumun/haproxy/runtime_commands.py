"""Commands of HAProxy's runtime socket and master socket: texts out, answers parsed. No socket here.

Management guide 9.3 (runtime API) and 9.4 (master CLI). An answer ends with an empty line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sumun.haproxy.errors import ReloadRefusedError, RuntimeSocketError

SHOW_PROC: Final = "show proc"
SHOW_INFO: Final = "show info"
RELOAD: Final = "reload"

_MASTER: Final = re.compile(r"^(\d+)\s+master\s+(\d+)(?:\s+\[failed: (\d+)\])?", re.MULTILINE)
_WORKER: Final = re.compile(r"^(\d+)\s+worker\s+(\d+)\s")


@dataclass(frozen=True, slots=True)
class Processes:
    """What `show proc` says.

    `reloads` counts every reload since the start; `failed` those since the last that worked, so 0 means that the
    newest configuration is the one in force. `workers` and `old_workers` are process ids.
    """

    master: int
    reloads: int
    failed: int
    workers: tuple[int, ...]
    old_workers: tuple[int, ...]

    @property
    def newest(self) -> int | None:
        """The worker that serves new connections, if any."""
        return self.workers[-1] if self.workers else None


def to_worker(pid: int, command: str) -> str:
    """`command` for one worker, through the master socket."""
    return f"@!{pid} {command}"


def parse_processes(answer: str) -> Processes:
    """Read the answer to SHOW_PROC. Raises RuntimeSocketError when it is not one.

    HAProxy 3.x lists the worker in force under "# old workers" after a refused reload; a worker whose own count
    of reloads equals the failed ones was in force before them, so it still is.
    """
    master = _MASTER.search(answer)
    if master is None:
        raise RuntimeSocketError("HAProxy's master socket did not list its processes")
    failed = int(master[3] or 0)
    current: list[int] = []
    old: list[int] = []
    listed_as_old = False
    for line in answer.splitlines():
        if line.startswith("#"):
            listed_as_old = line.startswith("# old workers")
        elif worker := _WORKER.match(line):
            in_force = not listed_as_old or int(worker[2]) == failed
            (current if in_force else old).append(int(worker[1]))
    return Processes(int(master[1]), int(master[2]), failed, tuple(current), tuple(old))


def parse_reload(answer: str) -> bool | None:
    """True or False as the answer to RELOAD says; None where HAProxy does not say (2.6): ask SHOW_PROC then."""
    first = answer.split("\n", 1)[0].strip()
    if first == "Success=1":
        return True
    if first == "Success=0":
        return False
    return None


def verdict(before: Processes, after: Processes) -> bool:
    """Whether the reload between the two is done. Raises ReloadRefusedError when it was refused."""
    if after.reloads <= before.reloads:
        return False
    if after.failed:
        raise ReloadRefusedError("HAProxy refused the new configuration; the one before stays in force")
    return after.newest is not None and after.newest != before.newest


def parse_info(answer: str) -> dict[str, str]:
    """Read the answer to SHOW_INFO: `Name: value` lines. Raises RuntimeSocketError when there are none."""
    pairs = (line.split(":", 1) for line in answer.splitlines() if ":" in line)
    info = {name.strip(): value.strip() for name, value in pairs}
    if "Pid" not in info:
        raise RuntimeSocketError("HAProxy's runtime socket did not describe its process")
    return info
