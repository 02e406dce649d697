"""From error to sentence and exit code; and how little is imported before a command is chosen."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from sumun.cli import main as cli
from sumun.errors import OutageError, SumunError


class _WrongError(SumunError):
    code = "wrong"
    exit_code = 2


def _ends_with(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    """How a command that raises this ends, and what it says."""

    @click.command()
    def command() -> None:
        raise error

    monkeypatch.setattr(cli, "sumun", command)
    with pytest.raises(SystemExit) as end:
        cli.main([])
    said = capsys.readouterr()
    assert said.out == ""
    assert isinstance(end.value.code, int)
    return end.value.code, said.err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (SumunError("it is so"), 1, "sumun: it is so\n"),
        (_WrongError("it is wrong"), 2, "sumun: it is wrong\n"),
        (_WrongError("a:1:2: one\n  2 | x"), 2, "a:1:2: one\n  2 | x\n"),
        (OutageError("it is away"), 3, "sumun: it is away\n"),
        (PermissionError(13, "Permission denied", "/srv/x"), 3, "sumun: /srv/x: Permission denied\n"),
        (OSError("odd"), 3, "sumun: odd\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_error_is_a_sentence(
    error: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One sentence on standard error, and the exit code of its kind."""
    ended, words = _ends_with(error, monkeypatch, capsys)
    assert (ended, words.lstrip("\n")) == (code, said)


def test_a_reader_that_went_away_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """`sumun user list | head -1` ends with success."""

    @click.command()
    def command() -> None:
        raise BrokenPipeError

    monkeypatch.setattr(cli, "sumun", command)
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    with pytest.raises(SystemExit) as end:
        cli.main([])
    assert end.value.code == 0


def test_every_command_can_be_imported() -> None:
    """The table names modules and objects that are there."""
    context = click.Context(cli.sumun)
    for name in cli.COMMANDS:
        assert isinstance(cli.sumun.get_command(context, name), click.Command)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["user", "--help"], ["user", "add", "--help"]]
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """Help is quick because the libraries of the gateway are not imported for it."""
    sources = str(Path(cli.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "sumun", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": sources, "PATH": "", "LANG": "C.UTF-8"},
    )
    imported = {
        name.split(".")[0] for name in re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE)
    }
    assert "click" in imported, "this would notice nothing"
    heavy = {
        "pydantic",
        "sqlalchemy",
        "cryptography",
        "httpx2",
        "uvloop",
        "valkey",
        "msgspec",
        "joserfc",
        "yaml",
        "alembic",
    }
    assert not imported & heavy
