"""What HAProxy itself thinks of the files, before they are installed: `haproxy -c`, told as problems of the YAML."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from sumun.config.plan import NOWHERE, Place
from sumun.config.problems import Problem
from sumun.haproxy.install import install
from sumun.haproxy.program import Program
from sumun.haproxy.render import CONFIGURATION
from sumun.haproxy.sections import Files

CHECK_SECONDS: Final = 60.0
"""10,000 routes take less than a second; a name server that does not answer may take many."""

_COMPLAINT: Final = re.compile(r"^\[(?:ALERT|WARNING)\]\s+\(\d+\) : (?:config : )?(.*)$")
# `parsing [haproxy.cfg:198] : …`, `Binding [haproxy.cfg:36] for …`, `[spoe.conf:3] …`, `Parsing
# [haproxy.cfg:257]: …`
_PLACE: Final = re.compile(r"\[(?:[^\]]*/)?([^\]/:]+):(\d+)\]\s*:?\s*")
# Sums up what was said before.
_SUMMARIES: Final = ("Error(s) found in configuration file", "Fatal errors found in configuration")


def check(files: Files, program: Program) -> list[Problem]:
    """Problems that HAProxy finds, in its order; empty when it would start with these files.

    A complaint about a line that the YAML caused has that line's place; any other has none, and is a bug of ours
    or of the machine (a name that cannot be resolved, a file descriptor limit).
    """
    with tempfile.TemporaryDirectory(prefix="sumun-check-") as temporary:
        folder = install(files, Path(temporary))
        command = [str(program.path), "-c", "-C", str(folder), "-f", CONFIGURATION]
        try:
            done = subprocess.run(command, capture_output=True, timeout=CHECK_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return [Problem(NOWHERE, "", f"HAProxy did not finish checking within {CHECK_SECONDS:g} s")]
    said = done.stderr.decode("utf-8", "replace")
    problems = complaints(said, files) if done.returncode else []
    if done.returncode and not problems:
        problems = [Problem(NOWHERE, "", f"HAProxy refuses the configuration: {said.strip()[-500:]}")]
    return problems


def complaints(said: str, files: Files) -> list[Problem]:
    """What HAProxy wrote to its standard error, as problems."""
    problems = []
    for line in said.splitlines():
        complaint = _COMPLAINT.match(line)
        if complaint is None or complaint[1].startswith(_SUMMARIES):
            continue
        place = _PLACE.search(complaint[1])
        where = _yaml_place(files, place[1], int(place[2])) if place else NOWHERE
        at = f" ({place[1]} line {place[2]})" if place else ""
        what = _PLACE.sub("", complaint[1], count=1).removeprefix("parsing ").removeprefix("Parsing ")
        problems.append(Problem(where, "", f"HAProxy says: {what.strip()}{at}"))
    return problems


def _yaml_place(files: Files, file_name: str, line: int) -> Place:
    try:
        return files.get(file_name).lines[line - 1].place
    except (KeyError, IndexError):
        return NOWHERE
