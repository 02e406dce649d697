"""Golden replays: what `explain/shop_later.yaml` would do with the calls of `explain/shop.log`, in words and as JSON.

`pytest tests/golden/test_replay.py --update` writes them.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sumun.cli.main import sumun

FOLDER = Path(__file__).parent / "explain"


def replayed(*options: str, against: str = "shop_later.yaml") -> tuple[int, str]:
    """Exit code, and what is printed."""
    arguments = ("replay", str(FOLDER / "shop.log"), "--against", str(FOLDER / against), *options)
    result = CliRunner().invoke(sumun, arguments)
    return result.exit_code, result.stdout


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("shop_replayed.txt", ()),
        ("shop_replayed_each.txt", ("--each",)),
        ("shop_replayed.jsonl", ("--json",)),
        ("shop_replayed_each.jsonl", ("--json", "--each")),
    ],
)
def test_what_is_said(name: str, options: tuple[str, ...], *, update: bool) -> None:
    """Groups or single calls, for people or programs: exactly these, and exit code 1."""
    code, said = replayed(*options)
    if update:
        (FOLDER / name).write_text(said, encoding="utf-8")
    assert said == (FOLDER / name).read_text(encoding="utf-8")
    assert code == 1


def test_every_line_is_accounted_for() -> None:
    """Each line of the log is replayed or counted under a reason, and each changed call stands in one group."""
    lines = len((FOLDER / "shop.log").read_bytes().splitlines())
    *groups, summary = map(json.loads, replayed("--json")[1].splitlines())
    *calls, again = map(json.loads, replayed("--json", "--each")[1].splitlines())
    assert summary == again
    assert summary["replayed"] + sum(summary["not_replayed"].values()) == lines
    assert summary["changed"] == len(calls) == sum(group["calls"] for group in groups)
    ids = {call["id"] for call in calls}
    assert all(ids.issuperset(group["requests"]) for group in groups)
