"""One request's line is found in the access log, wherever it stands in it."""

from __future__ import annotations

import gzip
import json
import uuid
from pathlib import Path

import pytest

from sumun.node.calls import logged_line
from sumun.node.calls.logged_line import LogUnreadableError, NotLoggedError, find_logged
from sumun.node.machine.folders import DataFolder

IDS = [str(uuid.UUID(int=number, version=4)) for number in range(60)]


def line(request_id: str, path: str = "/") -> bytes:
    """One line of the log."""
    return json.dumps({"id": request_id, "path": path}, separators=(",", ":")).encode() + b"\n"


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A data folder with nothing but a folder for logs."""
    (tmp_path / "log").mkdir()
    return DataFolder(tmp_path)


@pytest.mark.parametrize("block", [1, 7, 60, 61, 64, 1 << 20])
def test_every_line_is_found(folder: DataFolder, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the size of a block, each line is found: first, last, and across the edges."""
    monkeypatch.setattr(logged_line, "_BLOCK", block)
    notices = b"Server answerers/a0 is DOWN\n"
    (folder.log / "access.log").write_bytes(notices + b"".join(map(line, IDS)))
    for request_id in IDS:
        assert find_logged(folder, request_id)["id"] == request_id


def test_after_a_truncation(folder: DataFolder) -> None:
    """NUL bytes in front, which a truncation leaves, hide no line; a rotated file is looked at too, packed or not."""
    (folder.log / "access.log").write_bytes(b"\0" * 5000 + line(IDS[0]) + line(IDS[1]))
    (folder.log / "access.log.1").write_bytes(line(IDS[2]))
    packed = gzip.compress(b"\0" * 5000 + line(IDS[3]) + b"Proxy stopped\n" + line(IDS[4]))
    (folder.log / "access.log.1.gz").write_bytes(packed)
    assert [find_logged(folder, one)["id"] for one in IDS[:5]] == IDS[:5]
    (folder.log / "access.log.1.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(LogUnreadableError, match=r"access\.log\.1\.gz"):
        find_logged(folder, IDS[5])


def test_nobody_can_pass_for_another(folder: DataFolder) -> None:
    """A path that looks like a line's id is not taken for it."""
    (folder.log / "access.log").write_bytes(line(IDS[0], f'","id":"{IDS[1]}"'))
    with pytest.raises(NotLoggedError):
        find_logged(folder, IDS[1])


def test_without_a_line(folder: DataFolder) -> None:
    """No file, no line, a line that is cut, no id at all: a sentence, in which a token is not repeated."""
    with pytest.raises(NotLoggedError, match=r"access\.log"):
        find_logged(folder, IDS[0])
    (folder.log / "access.log").write_bytes(line(IDS[0])[:-5])
    with pytest.raises(NotLoggedError, match=IDS[0]):
        find_logged(folder, IDS[0])
    with pytest.raises(NotLoggedError) as refused:
        find_logged(folder, "smn_at_secret")
    assert "secret" not in str(refused.value)


def test_a_log_that_cannot_be_read(folder: DataFolder) -> None:
    """A log that is no file is told as that, and is not the same as a request that is not in it."""
    (folder.log / "access.log").mkdir()
    with pytest.raises(LogUnreadableError):
        find_logged(folder, IDS[0])
