"""What the embedded store is started with."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sumun.node.machine.folders import open_data_folder
from sumun.node.store.embedded import prepare


@pytest.fixture
def folder_name() -> str:
    """Blanks, quotes, and what is a pattern to Valkey."""
    return "a [*?] 'b\" \\c"


def test_no_path_and_no_secret_in_the_command_line(tmp_path: Path, folder_name: str) -> None:
    """Program and configuration go by open descriptor: a path can be a pattern, and a program can be removed."""
    folder = open_data_folder(tmp_path / folder_name)
    part = prepare(folder, None)
    try:
        assert part.argv == ["valkey-server", f"/proc/self/fd/{part.pass_fds[1]}"]
        assert part.executable == f"/proc/self/fd/{part.pass_fds[0]}"
        assert not part.inherits
        assert folder.valkey_password.read_text() not in str(part.argv)
        assert stat.S_IMODE(folder.valkey_password.stat().st_mode) == 0o600
    finally:
        for fd in part.pass_fds:
            os.close(fd)


def test_the_configuration_closes_it(tmp_path: Path, folder_name: str) -> None:
    """No TCP port, no password in clear, every write on disk before it is acknowledged, paths quoted."""
    folder = open_data_folder(tmp_path / folder_name)
    for fd in prepare(folder, None).pass_fds:
        os.close(fd)
    text = (folder.run / "valkey.conf").read_text()
    lines = text.splitlines()
    assert {"port 0", "unixsocketperm 600", "appendfsync always", "user default off"} <= set(lines)
    assert folder.valkey_password.read_text() not in text
    escaped = str(folder.valkey).replace("\\", "\\\\").replace('"', '\\"')
    assert f'dir "{escaped}"' in lines


def test_each_start_has_a_password_of_its_own(tmp_path: Path) -> None:
    """And 256 bits of it."""
    folder = open_data_folder(tmp_path / "data")
    seen = set()
    for _ in range(2):
        for fd in prepare(folder, None).pass_fds:
            os.close(fd)
        seen.add(folder.valkey_password.read_text())
    assert len(seen) == 2
    assert min(map(len, seen)) >= 43
