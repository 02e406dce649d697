"""Names of processes that are never used twice: a process id, and when that process began."""

from __future__ import annotations

from pathlib import Path


def name_of(pid: int) -> str | None:
    """The name of the process with this id now (proc(5), field 22). None: there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return f"{pid}-{stat.rpartition(')')[2].split()[19]}"


def pid_of(name: str) -> int | None:
    """The id of the process with this name; None when it is gone."""
    pid = name.partition("-")[0]
    return int(pid) if pid.isdigit() and name_of(int(pid)) == name else None
