"""A new generation: a number, a folder, made whole or not at all.

plan -> number (given out once) -> HAProxy's files, checked -> folder with the files and plan.json
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sumun.config import Plan, wire
from sumun.haproxy import RuntimePaths, render
from sumun.haproxy.install import claim_number, folder_of, install
from sumun.haproxy.program import Program
from sumun.haproxy.sections import File, Files, Line
from sumun.rollout.compile import refuse_problems

PLAN_FILE = "plan.json"


@dataclass(frozen=True, slots=True)
class Generation:
    """An installed generation. It is not current yet."""

    number: int
    folder: Path
    paths: RuntimePaths


def prepare_generation(
    plan: Plan, source: Path, generations: Path, run: Path, program: Program, user: str = "", group: str = ""
) -> Generation:
    """Install the next generation of this plan. `source` is the YAML, for messages.

    Raises ConfigProblemsError, UnquotableError, RouteTableTooLargeError; OSError (full disk): nothing is left behind.
    """
    number = claim_number(generations)
    paths = RuntimePaths(run, folder_of(generations, number), user, group)
    files = render(plan, number, paths)
    refuse_problems(files, program, source)
    folder = install(_with_plan(files, plan), generations)
    return Generation(number, folder, paths)


def _with_plan(files: Files, plan: Plan) -> Files:
    """The processes of a node read the plan from the same folder as HAProxy its files: they cannot differ."""
    lines = tuple(Line(text) for text in wire.dump(plan).decode().split("\n"))
    return Files(files.generation, (*files.files, File(PLAN_FILE, lines)))
