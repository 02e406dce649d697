"""Golden configurations: `config/<case>.yaml` makes `<case>.plan.json` or `<case>.problems`. A new case is a new file.

`pytest tests/golden/test_config.py --update` writes what is missing or differs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from sumun.config import ConfigProblemsError, describe_problems, wire
from sumun.config.compile import compile_plan
from sumun.config.yaml_reader import parse
from tests.golden.kinds import CATALOGUE

FOLDER = Path(__file__).parent / "config"
CASES = sorted(FOLDER.glob("*.yaml"))
SECRETS = ("hunter2", "s3cr3t-in-clear", "20261123")  # the cases that hold a secret hold one of these


def outcome(case: Path) -> tuple[Path, str]:
    """The file that a case must equal, and what the code says now."""
    try:
        document = parse(case.read_bytes(), case.name, PurePosixPath("/etc/sumun"))
        plan = compile_plan(document, CATALOGUE)
    except ConfigProblemsError as error:
        return case.with_suffix(".problems"), describe_problems(error) + "\n"
    return case.with_suffix(".plan.json"), readable(json.loads(wire.dump(plan)))


def readable(sent: dict[str, Any]) -> str:
    """A plan's JSON with one line for each thing in it."""
    lines = []
    for name, value in sent["plan"].items():
        if isinstance(value, list) and any(isinstance(item, list | dict) for item in value):
            lines.append(f"  {json.dumps(name)}: [\n{_listed(map(_line, value))}\n  ]")
        elif isinstance(value, dict) and any(isinstance(item, list | dict) for item in value.values()):
            named = (f"{_line(inner)}: {_line(item)}" for inner, item in value.items())
            lines.append(f"  {json.dumps(name)}: {{\n{_listed(named)}\n  }}")
        else:
            lines.append(f"  {json.dumps(name)}: {_line(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _listed(lines: Iterable[str]) -> str:
    return ",\n".join(f"    {line}" for line in lines)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_case(case: Path, *, update: bool) -> None:
    """A configuration makes exactly this plan, or exactly these problems."""
    file, text = outcome(case)
    other = case.with_suffix(".problems" if file.suffix == ".json" else ".plan.json")
    if update:
        other.unlink(missing_ok=True)
        file.write_text(text, encoding="utf-8")
    assert not other.exists(), f"{other.name} was expected, and the outcome is {file.name}:\n{text}"
    assert file.exists(), f"{file.name} is missing; --update writes it:\n{text}"
    assert text == file.read_text(encoding="utf-8")


def test_every_golden_file_has_a_case() -> None:
    """No golden file is left behind by a case that is gone."""
    cases = {case.stem for case in CASES}
    assert [file.name for file in FOLDER.iterdir() if file.name.split(".")[0] not in cases] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_no_secret_is_shown(case: Path) -> None:
    """Whatever somebody wrote where a reference belongs stands in no problem and in no plan."""
    shown = outcome(case)[1]
    assert [secret for secret in SECRETS if secret in shown] == []


def test_the_cases_hold_secrets() -> None:
    """The test above can fail: there are cases with a secret in them, and they make problems."""
    holding = [case for case in CASES if any(secret.encode() in case.read_bytes() for secret in SECRETS)]
    assert len(holding) >= 3
    assert all(outcome(case)[0].suffix == ".problems" for case in holding)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_plan_survives_the_wire(case: Path) -> None:
    """Every plan comes back from JSON equal in every field and place, and its bytes do not change."""
    try:
        plan = compile_plan(parse(case.read_bytes(), case.name, PurePosixPath("/etc/sumun")), CATALOGUE)
    except ConfigProblemsError:
        return
    data = wire.dump(plan)
    back = wire.load(data)
    assert back == plan
    assert back.notes == plan.notes
    assert wire.dump(back) == data
