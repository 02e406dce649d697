"""Golden HAProxy files: `haproxy/<case>.yaml` renders exactly the files in `haproxy/<case>.files`.

`pytest tests/golden/test_haproxy.py --update` writes what is missing or differs. Behind each line stands the line of the
YAML that caused it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sumun.config import Plan, load
from sumun.haproxy import Files, RuntimePaths, check, find_program, render
from sumun.haproxy.sections import File, Line
from sumun.haproxy.tls import authorities_name, certificate_name
from sumun.rollout.compile import with_files
from tests.certificates import Certificate
from tests.golden.kinds import CATALOGUE

FOLDER = Path(__file__).parent / "haproxy"
CASES = sorted(FOLDER.glob("*.yaml"))


def rendered(case: Path) -> Files:
    """What a case renders to."""
    return render(load(case, CATALOGUE), 1, RuntimePaths(Path("/run/sumun"), Path("/var/lib/sumun/current")))


def with_causes(files: Files) -> dict[str, str]:
    """Each file's text, every line with its cause."""
    return {
        file.name: "".join(
            f"{line.text} <- line {line.place.line}\n" if line.place.line else f"{line.text}\n"
            for line in file.lines
        )
        for file in files.files
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_case(case: Path, *, update: bool) -> None:
    """A configuration renders exactly these files, each line with the line of the YAML that caused it."""
    folder, texts = case.with_suffix(".files"), with_causes(rendered(case))
    if update:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    assert {entry.name for entry in folder.iterdir()} == set(texts)
    for name, text in texts.items():
        assert text == (folder / name).read_text(encoding="utf-8"), name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_haproxy_takes_it(case: Path, haproxy: Path) -> None:
    """HAProxy finds nothing wrong in a golden configuration."""
    files = with_files(rendered(case), certificates(load(case, CATALOGUE)))
    assert check(files, find_program({"HAPROXY": str(haproxy)})) == []


def certificates(plan: Plan) -> tuple[File, ...]:
    """What the listeners of a plan need to start, made here."""
    authority = Certificate.authority()
    ours = authority.issue("gate")
    names = {
        certificate_name(listener, number): ours.pem() + ours.key_pem()
        for listener, tls in plan.tls.items()
        for number in range(len(tls.certificates))
    }
    names |= {authorities_name(listener): authority.pem() for listener in plan.tls}
    return tuple(File(name, tuple(map(Line, text.splitlines()))) for name, text in names.items())
