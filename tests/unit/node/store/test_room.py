"""Room behind the end of the store's file: it is there, nobody else can take it, and the file is as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from sumun.node.store.room import LEAST_BYTES, reserve


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """The store's files after it was rewritten once, the one that is written now last."""
    folder = tmp_path / "appendonlydir"
    folder.mkdir()
    names = (
        "appendonly.aof.manifest",
        "appendonly.aof.10.base.rdb",
        "appendonly.aof.9.incr.aof",
        "appendonly.aof.10.incr.aof",
    )
    made = [folder / name for name in names]
    for one in made:
        one.write_bytes(b"x" * 100)
    return made


def test_the_file_that_is_written_gets_room_and_stays_as_it_was(tmp_path: Path, files: list[Path]) -> None:
    """Blocks and no bytes; none for the other files, and none the second time."""
    for _ in range(2):
        assert LEAST_BYTES <= reserve(tmp_path, LEAST_BYTES) < 2 * LEAST_BYTES
    assert [one.read_bytes() for one in files] == [b"x" * 100] * 4
    assert [one.stat().st_blocks * 512 >= LEAST_BYTES for one in files] == [False, False, False, True]


def test_what_is_written_takes_of_it_until_half_is_gone(tmp_path: Path, files: list[Path]) -> None:
    """So the file system is asked seldom."""
    reserve(tmp_path, LEAST_BYTES)
    with files[-1].open("ab") as file:
        file.write(b"y" * (LEAST_BYTES // 4))
    assert LEAST_BYTES // 2 < reserve(tmp_path, LEAST_BYTES) < LEAST_BYTES
    with files[-1].open("ab") as file:
        file.write(b"z" * (LEAST_BYTES // 2))
    assert reserve(tmp_path, LEAST_BYTES) >= LEAST_BYTES


def test_others_are_left_the_least(tmp_path: Path, files: list[Path]) -> None:
    """A disk is not filled up for it."""
    assert reserve(tmp_path, 1 << 60) < LEAST_BYTES


def test_a_link_is_not_followed(tmp_path: Path, files: list[Path]) -> None:
    """The file has to be there itself."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"")
    (tmp_path / "appendonlydir" / "appendonly.aof.11.incr.aof").symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic links"):
        reserve(tmp_path, LEAST_BYTES)
    assert elsewhere.stat().st_blocks == 0
