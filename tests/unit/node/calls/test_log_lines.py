"""The lines of a log come out whole, however it is packed, and a broken one is said to be broken."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import pytest

from sumun.node.calls.log_lines import LONGEST_LINE, BadLogError, read_lines

LINES = [b'{"id":"1"}\n', b"\n", b"a notice\n", b'{"id":"2"}']


def test_plain_packed_and_piped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, the same packed under any name, and either on standard input give the same lines."""
    plain, packed = tmp_path / "access.log.gz", tmp_path / "access.log"
    plain.write_bytes(b"".join(LINES))
    packed.write_bytes(gzip.compress(b"".join(LINES)))
    for file in (plain, packed):
        assert list(read_lines(str(file))) == LINES
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(file.read_bytes()))))
        assert list(read_lines("-")) == LINES


def test_after_a_truncation(tmp_path: Path) -> None:
    """The NUL bytes that a truncation leaves are no part of the line behind them."""
    file = tmp_path / "access.log"
    file.write_bytes(b"\0" * 100 + LINES[0])
    assert list(read_lines(str(file))) == LINES[:1]


def test_a_line_without_end_takes_no_memory(tmp_path: Path) -> None:
    """What is too long to be a line of ours comes in pieces, and the next line is whole."""
    file = tmp_path / "access.log"
    file.write_bytes(b"x" * (3 * LONGEST_LINE) + b"\n" + LINES[0])
    pieces = list(read_lines(str(file)))
    assert max(map(len, pieces)) == LONGEST_LINE
    assert pieces[-1] == LINES[0]


@pytest.mark.parametrize("broken", [lambda data: data[:-9], lambda data: data[:10] + b"\xff" * 20])
def test_a_broken_archive_is_wrong_input(tmp_path: Path, broken: object) -> None:
    """A packed file that is cut or damaged is named with what to do, and the command ends with 2."""
    assert callable(broken)
    file = tmp_path / "access.log.1.gz"
    file.write_bytes(broken(gzip.compress(b"".join(LINES * 50))))
    with pytest.raises(BadLogError, match=r"access\.log\.1\.gz.*gzip -dc"):
        list(read_lines(str(file)))


def test_an_empty_file_has_no_line(tmp_path: Path) -> None:
    """Nothing is made up."""
    file = tmp_path / "access.log"
    file.write_bytes(b"")
    assert list(read_lines(str(file))) == []
