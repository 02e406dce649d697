"""YAML -> plan -> HAProxy's files, checked by us and by HAProxy; nothing is changed yet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sumun.config import ConfigProblemsError, Plan, load, with_excerpts
from sumun.config.problems import Problem
from sumun.haproxy import Files, RuntimePaths, render
from sumun.haproxy.check import check
from sumun.haproxy.program import Program, find_program
from sumun.haproxy.sections import File
from sumun.plugins import Catalogue
from sumun.rollout.certificates import Material, read_material

# Only for checking: what is rendered for it is never started.
_ANYWHERE = Path("/run/sumun")


def compile_and_check(path: Path, catalogue: Catalogue, program: Program | None = None) -> tuple[Plan, Files]:
    """The plan of a file, and what it renders to. Raises ConfigProblemsError with every problem, HAProxy's too.

    Raises HAProxyMissingError, HAProxyTooOldError, HAProxyUnfitError when there is no HAProxy to ask.
    """
    plan = load(path, catalogue)
    material = read_material(plan, datetime.now(UTC))
    _refuse((*material.problems, *material.outlived), path)
    files = with_files(render(plan, 0, RuntimePaths(_ANYWHERE, _ANYWHERE)), material.files)
    refuse_problems(files, program or find_program(), path)
    return replace(plan, notes=(*plan.notes, *material.notes)), files


def certificates_of(plan: Plan, path: Path) -> Material:
    """What the listeners need now; `path` is the YAML. Raises ConfigProblemsError, not for what is outlived."""
    material = read_material(plan, datetime.now(UTC))
    _refuse(material.problems, path)
    return material


def with_files(files: Files, more: tuple[File, ...]) -> Files:
    """The files of a generation, and more."""
    return Files(files.generation, tuple(sorted((*files.files, *more), key=lambda file: file.name)))


def refuse_problems(files: Files, program: Program, path: Path) -> None:
    """Ask HAProxy what it thinks of the files. Raises ConfigProblemsError, with the lines of the YAML at `path`."""
    _refuse(tuple(check(files, program)), path)


def _refuse(problems: tuple[Problem, ...], path: Path) -> None:
    if problems:
        raise ConfigProblemsError(with_excerpts(problems, path))
