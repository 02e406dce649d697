"""The copy-paste session of the READMEs: read it, run it, compare it; or write what it says now.

    .venv/bin/python -m tests.documentation.session     runs README.md against a fresh demo, writes both languages' outputs

A ```sh block is what a visitor types; a ```text block right behind it is what is printed. Blocks that only call `make`
start things and are not part of the session. What differs from run to run (ids, tokens, moments) is masked on both
sides, and everything else must be the same to the letter.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.demo_node import REPOSITORY, DemoNode

README = REPOSITORY / "README.md"
README_KO = REPOSITORY / "README.ko.md"
PORT = 8080
DATA = "/tmp/sumun-demo"

_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "--- end of step ---"
_MASKS = (
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<request id>"),
    (re.compile(r"\bsmn_at_[0-9A-Za-z]{49}\b"), "<token>"),
    (re.compile(r"\b(tid|jti)_[0-9A-Za-z]{22}\b"), r"<\1>"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+"), "<jwt>"),
    (re.compile(r'"(exp|iat)":\d{10}\b'), r'"\1":<moment>'),
    (re.compile(r"(?m)^(date): .*$"), r"\1: <moment>"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """What is typed, what is printed, and where the printed text stands in the page."""

    typed: str
    printed: str
    at: tuple[int, int]


def steps(page: str) -> list[Step]:
    """The session of a page. Its ```text blocks that follow no command are no steps."""
    found: list[Step] = []
    blocks = list(_BLOCK.finditer(page))
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block[1] != "sh" or is_start(block[2]):
            continue
        answered = following is not None and following[1] == "text"
        if following is not None and answered and not page[block.end() : following.start()].strip():
            found.append(Step(block[2], following[2], following.span(2)))
        else:
            found.append(Step(block[2], "", (block.end(), block.end())))
    return found


def is_start(typed: str) -> bool:
    """Only `make`: that starts what the session talks to."""
    return all(line.startswith("make ") for line in typed.splitlines())


def starts(page: str) -> list[str]:
    """The `make` lines of a page."""
    return [
        line
        for block in _BLOCK.finditer(page)
        if block[1] == "sh" and is_start(block[2])
        for line in block[2].splitlines()
    ]


def masked(printed: str) -> str:
    """Without what differs from run to run; header fields in the order of their names."""
    for pattern, instead in _MASKS:
        printed = pattern.sub(instead, printed)
    lines: list[str] = []
    fields: list[str] | None = None
    for line in printed.rstrip().splitlines():
        if line.startswith("HTTP/"):
            fields = []
            lines.append(line.rstrip())
        elif fields is not None and line.strip():
            fields.append(line.rstrip())
        else:
            lines += [*sorted(fields or ()), line.rstrip()]
            fields = None
    return "\n".join([*lines, *sorted(fields or ())])


@contextmanager
def fresh_demo(language: str = "C.UTF-8") -> Iterator[DemoNode]:
    """A demo that nobody has used yet, stopped and removed at the end."""
    # Not inside a folder of mode 0700: started as root, the parts become an ordinary user who could not enter it.
    node = DemoNode(Path(f"/tmp/smn-readme-{os.getpid()}-{time.time_ns() % 10**6}"), language=language)
    try:
        node.start()
        yield node
    finally:
        if node.process is not None:
            node.stop()
        shutil.rmtree(node.data, ignore_errors=True)
        node.data.with_name(f"demo-{node.port}.out").unlink(missing_ok=True)


def run(session: list[Step], node: DemoNode) -> list[str]:
    """Type all steps into one shell, in order; what each printed, in the words of the page (its port, its folder)."""
    script = "".join(f"{step.typed}\nprintf '\\n%s\\n' '{_MARK}'\n" for step in session)
    said = run_in_shell(_here(script, node))
    printed = said.split(f"\n{_MARK}\n")[:-1]
    assert len(printed) == len(session), said
    return [_there(text, node).strip("\n") for text in printed]


def run_in_shell(script: str) -> str:
    """What sh prints, both outputs, for this script."""
    done = subprocess.run(
        ["sh"],
        input=script,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",  # a WebSocket's frames are no text
        cwd=REPOSITORY,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        timeout=60,
        check=False,
    )
    return done.stdout.replace("\r\n", "\n")


def _here(text: str, node: DemoNode) -> str:
    for more in range(3):
        text = text.replace(f"127.0.0.1:{PORT + more}", f"127.0.0.1:{node.port + more}")
    return text.replace(DATA, str(node.data))


def _there(text: str, node: DemoNode) -> str:
    for more in range(3):
        text = text.replace(f"127.0.0.1:{node.port + more}", f"127.0.0.1:{PORT + more}")
    return text.replace(str(node.data), DATA)


def written(page: str, printed: list[str]) -> str:
    """The page with these outputs."""
    for step, text in reversed(list(zip(steps(page), printed, strict=True))):
        if step.printed:
            page = f"{page[: step.at[0]]}{text}\n{page[step.at[1] :]}"
    return page


def main() -> None:
    """Write what the session prints now into both pages."""
    with fresh_demo() as node:
        printed = run(steps(README.read_text()), node)
    for page in (README, README_KO):
        page.write_text(written(page.read_text(), printed))


if __name__ == "__main__":
    main()
