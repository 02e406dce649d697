"""The READMEs: what they show is what happens, in both languages."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from sumun.demo.words import welcome
from tests.documentation.session import (
    README,
    README_KO,
    fresh_demo,
    masked,
    run,
    run_in_shell,
    starts,
    steps,
    written,
)
from tests.live.demo_node import REPOSITORY

_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def typed_in(text: str) -> str:
    """The commands of what `make demo` prints, without its sentences."""
    after_the_head = text.split("):\n\n", 1)[1]
    indented = [line[2:] for line in after_the_head.splitlines() if line.startswith("  ")]
    return "\n".join(line for line in indented if not line.startswith("#"))


def in_both_languages() -> tuple[str, str]:
    """What `make demo` prints, in English and in Korean."""
    english, korean = (
        welcome(korean=korean, port=8080, settings="S", log="L", sumun="sumun", removes=False)
        for korean in (False, True)
    )
    return english, korean


def test_the_session_is_real(haproxy: Path) -> None:
    """Every command of the README, typed in order at a fresh demo, prints what the README says."""
    session = steps(README.read_text(encoding="utf-8"))
    assert len(session) >= 8
    with fresh_demo() as node:
        printed = run(session, node)
    for step, text in zip(session, printed, strict=True):
        assert masked(text) == masked(step.printed), f"after typing:\n{step.typed}"


def test_both_languages_show_the_same() -> None:
    """The blocks of the Korean README are those of the English one, to the letter and in their order."""
    english, korean = (_BLOCK.findall(page.read_text(encoding="utf-8")) for page in (README, README_KO))
    assert korean == english


def test_the_starting_commands_exist() -> None:
    """What is to be typed before the session are targets of the Makefile."""
    for line in starts(README.read_text(encoding="utf-8")):
        subprocess.run(
            ["make", "--dry-run", *line.split()[1:]], cwd=REPOSITORY, check=True, capture_output=True
        )


def test_what_the_demo_prints_works(haproxy: Path) -> None:
    """The lines that `make demo` prints, pasted into sh as they are, do what the words above them say."""
    with fresh_demo() as node:
        said = run_in_shell(typed_in(node.said))
    # A body ends without a newline, so the next answer begins on its line.
    assert re.findall(r"HTTP/1\.1 (\d+)", said) == ["401", "403", "404", "405", "101", "401"]
    for sign in (
        '"user_id":"alice"',
        '{"created":{"id":"4","name":"pear"}',
        '{"deleted":{"id":"4","name":"pear"}',
        '"verified":{',
        '"report":"all is well"',
        "event: price",
        '{"calls":{',
        "granted to bob.",
    ):
        assert sign in said, f"{sign} is missing in:\n{said}"
    assert "not found" not in said  # sh does not know a command


def test_the_demo_prints_the_same_commands_in_both_languages() -> None:
    """Who reads Korean is given the same commands."""
    english, korean = in_both_languages()
    assert typed_in(english).count("curl") >= 10
    assert typed_in(korean) == typed_in(english)


def test_what_varies_is_masked_and_nothing_else() -> None:
    """Two runs look alike; another status, another word or another length of token does not."""
    page = '```sh\ncurl x\n```\n\n```text\nHTTP/1.1 200 OK\nb: 1\na: 2\n\n{"exp":1795415393}\n```\n'
    (step,) = steps(page)
    assert masked(step.printed) == masked('HTTP/1.1 200 OK\na: 2\nb: 1\n\n{"exp":1111111111}')
    for other in ("HTTP/1.1 201 OK", "smn_at_short", '{"status":401}', "a: 3"):
        assert masked(step.printed) != masked(step.printed.replace("HTTP/1.1 200 OK", other))
    assert written(page, ["new"]) == "```sh\ncurl x\n```\n\n```text\nnew\n```\n"
