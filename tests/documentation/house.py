"""The house rules that no linter knows, as pure functions: text (or a path) in, complaint or None out."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from pathlib import PurePath

LONGEST_FILE = 400  # lines; a longer one holds more than one idea
SHORTEST_MAP = 4  # lines; what the package does, its words, which way data flows

DRAWER = re.compile(r"(?:.*_)?(?:utils?|helpers?|common|misc|managers?)")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|NotImplementedError)\b|pragma: no cover")
# What only root may do is the one thing that `make test` cannot bring about.
SKIPPED = re.compile(r"\bpytest\.(?:mark\.)?(?:skip|skipif(?!\(os\.geteuid\(\) != 0,)|xfail|importorskip)\b")
# Where packages come from is each machine's own setting.
REGISTRY = re.compile(
    r"\b(?:py(?:pi|thonhosted)|registry\.npm(?:js|mirror)|(?:deb|security)\.debian|archive\.ubuntu|proxy\.golang)\.(?:org|com)\b"
    r"|--(?:extra-)?index-url|--find-link[s]|\bindex-url *="
)
# Folders that exist on one machine and not on the next.
MACHINE_PATH = re.compile(r"(?<![\w.~}*])/(?:root|wor[k]|Users|home/\w+)/[\w.]")


def no_docstring(text: str) -> str | None:
    """A module opens by saying what it holds."""
    return (
        None if ast.get_docstring(ast.parse(text)) else "opens without a docstring: say what the file holds"
    )


def no_map(text: str) -> str | None:
    """A package opens with its map."""
    lines = [line for line in (ast.get_docstring(ast.parse(text)) or "").splitlines() if line.strip()]
    if len(lines) >= SHORTEST_MAP:
        return None
    return f"has {len(lines)} lines of map: say what the package does, its words, and which way data flows"


def left_out(text: str, files: Collection[str]) -> str | None:
    """A map that lists the files of its package leaves none out. (Some maps tell of words instead.)"""
    said = ast.get_docstring(ast.parse(text)) or ""
    listed = [
        file for file in files if re.search(rf"^ *(?:[\w/]+, )*{file}/?(?:,| {{2,}})", said, re.MULTILINE)
    ]
    missing = sorted(set(files) - set(re.findall(r"\w+", said)) - {"errors"})
    if 2 * len(listed) <= len(files) or not missing:
        return None
    return f"lists its files, and not {', '.join(missing)}"


def too_long(text: str) -> str | None:
    """One file, one idea."""
    lines = text.count("\n")
    return (
        None
        if lines <= LONGEST_FILE
        else f"has {lines} lines, more than {LONGEST_FILE}: which ideas are in it?"
    )


def drawer(path: PurePath) -> str | None:
    """A file is named for what it holds."""
    names = [name for name in (*path.parent.parts, path.stem) if DRAWER.fullmatch(name)]
    return f"{names[0]!r} is a drawer: find the owner of what is in it" if names else None


def promises_missing(text: str) -> str | None:
    """Every test says in one sentence what it promises."""
    tests = (
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )
    names = [test.name for test in tests if not ast.get_docstring(test)]
    return f"no docstring with the promise: {', '.join(names)}" if names else None


def _first(pattern: re.Pattern[str], text: str, what: str) -> str | None:
    found = pattern.search(text)
    if found is None:
        return None
    return f"line {text.count(chr(10), 0, found.start()) + 1}: {found[0]!r} {what}"


def unfinished(text: str) -> str | None:
    """What is in the product is finished."""
    return _first(UNFINISHED, text, "is not finished: finish it, or open an issue and leave it out")


def skipped(text: str) -> str | None:
    """A test that is skipped proves nothing: `make test` installs what tests need."""
    return _first(SKIPPED, text, "skips: let `make test` install what is missing, or fail with a sentence")


def registry_named(text: str) -> str | None:
    """No file names where packages come from."""
    return _first(REGISTRY, text, "names a package registry: that is each machine's own setting")


def machine_path(text: str) -> str | None:
    """No file names a folder of one machine."""
    return _first(MACHINE_PATH, text, "is a folder of one machine only")
