"""A new generation: a number, a folder, made whole or not at all.

plan -> number (given out once) -> HAProxy's files, checked -> folder with the files and plan.json
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sumun.config import Plan, wire
from sumun.config.plan import Note
from sumun.haproxy import RuntimePaths, render
from sumun.haproxy.install import claim_number, folder_of, install
from sumun.haproxy.program import Program
from sumun.haproxy.sections import File, Line
from sumun.rollout.compile import certificates_of, refuse_problems, with_files

PLAN_FILE = "plan.json"


@dataclass(frozen=True, slots=True)
class Generation:
    """An installed generation. It is not current yet. `notes`: what the operator should know of its certificates."""

    number: int
    folder: Path
    paths: RuntimePaths
    notes: tuple[Note, ...] = ()


def prepare_generation(
    plan: Plan, source: Path, generations: Path, run: Path, program: Program, user: str = "", group: str = ""
) -> Generation:
    """Install the next generation of this plan. `source` is the YAML, for messages.

    Raises ConfigProblemsError, UnquotableError, RouteTableTooLargeError; OSError (full disk): nothing is left behind.
    """
    number = claim_number(generations)
    paths = RuntimePaths(run, folder_of(generations, number), user, group)
    certificates = certificates_of(plan, source)
    files = with_files(render(plan, number, paths), certificates.files)
    refuse_problems(files, program, source)
    folder = install(with_files(files, (_plan_file(plan),)), generations)
    outlived = (Note(problem.place, problem.what) for problem in certificates.outlived)
    return Generation(number, folder, paths, (*outlived, *certificates.notes))


def _plan_file(plan: Plan) -> File:
    """The processes of a node read the plan from the same folder as HAProxy its files: they cannot differ."""
    return File(PLAN_FILE, tuple(Line(text) for text in wire.dump(plan).decode().split("\n")))
