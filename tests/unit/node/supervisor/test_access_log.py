"""The access log's file."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from sumun.node.machine.folders import open_data_folder
from sumun.node.supervisor.access_log import open_access_log


def test_a_restart_writes_over_nothing(tmp_path: Path) -> None:
    """HAProxy's first line takes O_APPEND away; what stood in the file before stays all the same."""
    folder = open_data_folder(tmp_path / "data")
    log = folder.log / "access.log"
    for line in (b"before\n", b"after\n"):
        access_log = open_access_log(folder)
        fcntl.fcntl(access_log, fcntl.F_SETFL, os.O_NONBLOCK)
        os.write(access_log, line)
        os.close(access_log)
    assert log.read_bytes() == b"before\nafter\n"
