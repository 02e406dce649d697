"""What HAProxy 2.6 and 3.4 answered on their sockets, read."""

from __future__ import annotations

import pytest

from sumun.haproxy.errors import ReloadRefusedError, RuntimeSocketError
from sumun.haproxy.runtime_commands import (
    Processes,
    parse_info,
    parse_processes,
    parse_reload,
    to_worker,
    verdict,
)

STARTED = """\
#<PID>          <type>          <reloads>       <uptime>        <version>      
19425           master          0 [failed: 0]   0d00h00m02s     2.6.12-1+deb12u4
# workers
19428           worker          0               0d00h00m02s     2.6.12-1+deb12u4
# programs


"""  # noqa: W291
RELOADED = """\
#<PID>          <type>          <reloads>       <uptime>        <version>
19425           master          1 [failed: 0]   0d00h00m03s     2.6.12-1+deb12u4
# workers
19601           worker          0               0d00h00m01s     2.6.12-1+deb12u4
# old workers
19428           worker          1               0d00h00m05s     2.6.12-1+deb12u4
# programs

"""
REFUSED_26 = """\
#<PID>          <type>          <reloads>       <uptime>        <version>
19425           master          2 [failed: 1]   0d00h00m05s     2.6.12-1+deb12u4
# workers
19601           worker          1               0d00h00m03s     2.6.12-1+deb12u4
# programs

"""
REFUSED_34 = """\
#<PID>          <type>          <reloads>       <uptime>        <version>
20034           master          2 [failed: 1]   0d00h00m04s     3.4.0
# workers
# old workers
20278           worker          1               0d00h00m02s     3.4.0
20037           worker          2               0d00h00m09s     3.4.0

"""


def test_processes() -> None:
    """The master, the worker in force and the old ones are told apart."""
    assert parse_processes(STARTED) == Processes(19425, 0, 0, (19428,), ())
    assert parse_processes(RELOADED) == Processes(19425, 1, 0, (19601,), (19428,))
    assert parse_processes(REFUSED_26) == Processes(19425, 2, 1, (19601,), ())


def test_processes_after_a_refused_reload_of_3_4() -> None:
    """HAProxy 3.4 lists the worker in force among the old ones after a refused reload; it is found all the same."""
    processes = parse_processes(REFUSED_34)
    assert (processes.newest, processes.old_workers) == (20278, (20037,))


@pytest.mark.parametrize("answer", ["", "Unknown command", "19425 worker 0 x"])
def test_no_processes(answer: str) -> None:
    """An answer that lists no master is an error, never an empty list."""
    with pytest.raises(RuntimeSocketError):
        parse_processes(answer)


def test_verdict() -> None:
    """A reload is done when its worker is there; refused when the master says so; otherwise not decided yet."""
    before, after = parse_processes(STARTED), parse_processes(RELOADED)
    assert verdict(before, after)
    assert not verdict(before, before)
    with pytest.raises(ReloadRefusedError, match="stays in force"):
        verdict(after, parse_processes(REFUSED_26))
    not_yet = Processes(19425, 1, 0, (19428,), ())
    assert not verdict(before, not_yet)


def test_reload_answers() -> None:
    """3.x says at once what became of a reload, 2.6 says nothing."""
    assert parse_reload("Success=1\n--\n[NOTICE] ...\n") is True
    assert parse_reload("Success=0\n--\n[ALERT] ...\n") is False
    assert parse_reload("\n") is None


def test_info() -> None:
    """`show info` is read by name; an answer without a process is an error."""
    info = parse_info("Name: HAProxy\nVersion: 2.6.12\nPid: 19428\nUptime: 0d 0h00m01s\n\n")
    assert (info["Pid"], info["Uptime"]) == ("19428", "0d 0h00m01s")
    with pytest.raises(RuntimeSocketError):
        parse_info("Unknown command: show inof\n")


def test_to_worker() -> None:
    """A command for one worker goes through the master by its process id."""
    assert to_worker(19428, "show info") == "@!19428 show info"
