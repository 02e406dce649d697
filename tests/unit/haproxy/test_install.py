"""Generations on disk: whole or not there, one link moved, numbers never given out twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sumun.haproxy.install import (
    claim_number,
    folder_of,
    install,
    installed,
    make_current,
    remove_old,
)
from sumun.haproxy.sections import File, Files, Line


def files(number: int, text: str = "global") -> Files:
    """A small generation."""
    return Files(number, (File("haproxy.cfg", (Line(text),)), File("x.map", ())))


def test_install(tmp_path: Path) -> None:
    """A generation's folder holds its files, for nobody but us."""
    folder = install(files(12), tmp_path / "generations")
    assert folder.name == "000012"
    assert (folder / "haproxy.cfg").read_text() == "global\n"
    assert (folder / "x.map").read_text() == ""
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {entry.stat().st_mode & 0o777 for entry in folder.iterdir()} == {0o600}


def test_install_twice(tmp_path: Path) -> None:
    """A number that is installed is never written over."""
    install(files(1), tmp_path)
    with pytest.raises(FileExistsError, match="never used twice"):
        install(files(1, "other"), tmp_path)
    assert (folder_of(tmp_path, 1) / "haproxy.cfg").read_text() == "global\n"


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full nothing half-written is left, and the next try works."""
    real = os.fsync

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        install(files(1), tmp_path)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(os, "fsync", real)
    assert install(files(1), tmp_path).is_dir()


def test_unfinished_folder_of_a_crash(tmp_path: Path) -> None:
    """What a crash left unfinished is no generation, and is removed in time."""
    (tmp_path / ".000001.unfinished").mkdir()
    assert installed(tmp_path) == []
    install(files(1), tmp_path)
    (tmp_path / ".000002.unfinished").mkdir()
    remove_old(tmp_path, {1})
    assert [entry.name for entry in tmp_path.iterdir()] == ["000001"]


def test_numbers(tmp_path: Path) -> None:
    """A number is given out once, used or not, even when its folder and the newest ones are gone."""
    generations = tmp_path / "generations"
    assert [claim_number(generations) for _ in range(3)] == [1, 2, 3]
    install(files(3), generations)
    remove_old(generations, set())
    assert claim_number(generations) == 4
    (generations / "last").unlink()
    install(files(9), generations)
    assert claim_number(generations) == 10


def test_link(tmp_path: Path) -> None:
    """The link moves from one generation to the next in one step."""
    link = tmp_path / "current"
    for number in (1, 2):
        make_current(install(files(number), tmp_path / "generations"), link)
        assert link.readlink().name == f"{number:06d}"
        assert (link / "haproxy.cfg").is_file()
    assert not link.readlink().is_absolute()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["current", "generations"]


def test_remove_old(tmp_path: Path) -> None:
    """Only the generations that are kept stay; what is no generation is not touched."""
    for number in (1, 2, 3):
        install(files(number), tmp_path)
    (tmp_path / "notes").mkdir()
    remove_old(tmp_path, {3})
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["000003", "notes"]
