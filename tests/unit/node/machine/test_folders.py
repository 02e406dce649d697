"""The data folder: what is refused, what is kept, who may hold it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from sumun.node.errors import DataFolderError
from sumun.node.machine.folders import (
    DataFolder,
    FolderLock,
    clean_run_folder,
    is_running,
    open_data_folder,
    unusable,
)


def test_a_new_folder_is_made_private(tmp_path: Path) -> None:
    """Only the owner may enter the data folder and its run folder."""
    folder = open_data_folder(tmp_path / "data")
    assert folder.is_ours()
    assert (folder.root.stat().st_mode & 0o777, folder.run.stat().st_mode & 0o777) == (0o700, 0o700)


def test_opening_again_keeps_everything(tmp_path: Path) -> None:
    """A second start finds what the first one left."""
    folder = open_data_folder(tmp_path / "data")
    folder.database.write_text("x")
    assert open_data_folder(tmp_path / "data").database.read_text() == "x"


def test_somebody_elses_folder_is_left_alone(tmp_path: Path) -> None:
    """A folder with files of others in it is refused and not touched."""
    (tmp_path / "thesis.txt").write_text("mine")
    mode = tmp_path.stat().st_mode
    with pytest.raises(DataFolderError, match="was not made by sumun"):
        open_data_folder(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]
    assert tmp_path.stat().st_mode == mode


def test_the_folder_around_a_data_folder_is_none(tmp_path: Path) -> None:
    """`sumun run` makes `sumun-data`, the marker's name: who then says `--data .` is told that the folder is no data folder."""
    open_data_folder(tmp_path / "sumun-data")
    with pytest.raises(DataFolderError, match="was not made by sumun"):
        open_data_folder(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """Naming a file says so."""
    (tmp_path / "x").write_text("")
    with pytest.raises(DataFolderError, match="it is a file"):
        open_data_folder(tmp_path / "x")


def test_another_layout_is_refused(tmp_path: Path) -> None:
    """A folder of a newer sumun is not touched."""
    open_data_folder(tmp_path / "data")
    (tmp_path / "data" / "sumun-data").write_text("2\n")
    with pytest.raises(DataFolderError, match="layout"):
        open_data_folder(tmp_path / "data")


def test_a_path_too_long_for_sockets_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    """unix(7) bounds socket paths; the sentence says what to do."""
    deep = tmp_path / ("d" * 120)
    with pytest.raises(DataFolderError, match="too long for unix sockets"):
        open_data_folder(deep)
    assert not deep.exists()


def test_two_nodes_never_share_a_folder(tmp_path: Path) -> None:
    """The second lock is refused and names the holder; release lets the next one in."""
    folder = open_data_folder(tmp_path / "data")
    assert not is_running(folder)
    lock = FolderLock(folder)
    assert is_running(folder)
    with pytest.raises(DataFolderError, match="runs on it already"):
        FolderLock(folder)
    lock.release()
    lock.release()
    assert not is_running(folder)
    FolderLock(folder).release()


def test_leftovers_of_a_crash_are_removed(tmp_path: Path) -> None:
    """Old sockets, passwords and metric files do not survive a start; links are removed, not followed."""
    folder: DataFolder = open_data_folder(tmp_path / "data")
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "kept").write_text("")
    folder.http_socket.write_text("")
    folder.metrics.mkdir()
    (folder.run / "link").symlink_to(precious)
    clean_run_folder(folder)
    assert [p.name for p in folder.run.iterdir()] == ["metrics"]
    assert (precious / "kept").exists()


def test_a_link_in_the_place_of_the_run_folder_is_not_emptied(tmp_path: Path) -> None:
    """Whoever puts a link where the run folder was does not make us remove what it leads to, now or at the next start."""
    folder = open_data_folder(tmp_path / "data")
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "kept").write_text("")
    folder.run.rename(tmp_path / "away")
    folder.run.symlink_to(precious)
    with pytest.raises(OSError, match="run"):
        clean_run_folder(folder)
    with pytest.raises(DataFolderError, match="run in it is a link"):
        open_data_folder(folder.root)
    assert [p.name for p in precious.iterdir()] == ["kept"]


@pytest.mark.parametrize("name", ["a$HOME", "a,b", "a\nb", "a\x1bb"])
def test_a_path_that_means_something_else_to_haproxy_is_refused(tmp_path: Path, name: str) -> None:
    """Before anything is made; what is in the way is shown so that it can be seen."""
    with pytest.raises(DataFolderError, match="means something else to HAProxy"):
        open_data_folder(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_korean_letters_and_blanks_are_fine(tmp_path: Path) -> None:
    """A path is for people."""
    assert open_data_folder(tmp_path / "내 데이터").is_ours()


def test_a_full_disk_is_said_before_a_start_ends_half_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence says how much is free and how much is needed."""
    blocks = (4096, 4096, 10_000, 5000, 1023, 0, 0, 0, 0, 255)
    monkeypatch.setattr(os, "statvfs", lambda _path: os.statvfs_result(blocks))
    with pytest.raises(
        DataFolderError, match=r"disk is full \(4092 KiB are free\); make room, at least 4 MiB"
    ):
        open_data_folder(tmp_path / "data")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            OSError(errno.ENOSPC, "x", "/d/log"),
            "data folder /d: its disk is full: make room, then start again",
        ),
        (OSError(errno.EDQUOT, "x"), "data folder /d: its disk is full: make room, then start again"),
        (NotADirectoryError(errno.ENOTDIR, "x"), "data folder /d: it is a file; name a folder with --data"),
        (
            PermissionError(errno.EACCES, "Permission denied", "/d/log"),
            "data folder /d: Permission denied (/d/log); make it writable or name another with --data",
        ),
    ],
)
def test_what_the_system_says_becomes_a_sentence(error: OSError, sentence: str) -> None:
    """What is wrong, where, and how to mend it."""
    assert str(unusable(Path("/d"), error)) == sentence
