"""YAML -> plan -> HAProxy's files, checked by us and by HAProxy; nothing is changed yet."""

from __future__ import annotations

from pathlib import Path

from sumun.config import ConfigProblemsError, Plan, load, with_excerpts
from sumun.haproxy import Files, RuntimePaths, render
from sumun.haproxy.check import check
from sumun.haproxy.program import Program, find_program
from sumun.plugins import Catalogue

# Only for checking: what is rendered for it is never started.
_ANYWHERE = Path("/run/sumun")


def compile_and_check(path: Path, catalogue: Catalogue, program: Program | None = None) -> tuple[Plan, Files]:
    """The plan of a file, and what it renders to. Raises ConfigProblemsError with every problem, HAProxy's too.

    Raises HAProxyMissingError, HAProxyTooOldError, HAProxyUnfitError when there is no HAProxy to ask.
    """
    plan = load(path, catalogue)
    files = render(plan, 0, RuntimePaths(_ANYWHERE, _ANYWHERE))
    refuse_problems(files, program or find_program(), path)
    return plan, files


def refuse_problems(files: Files, program: Program, path: Path) -> None:
    """Ask HAProxy what it thinks of the files. Raises ConfigProblemsError, with the lines of the YAML at `path`."""
    problems = check(files, program)
    if problems:
        raise ConfigProblemsError(with_excerpts(tuple(problems), path))
