"""The tree keeps the house rules, and each rule is seen to fail."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath

import pytest

from tests.documentation import house

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "sumun").rglob("*.py"))
PACKAGES = sorted({source.parent for source in SOURCES})
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


def everything() -> list[Path]:
    """Every text file that git knows or would add: what a stranger gets."""
    command = [
        "git",
        "-c",
        "safe.directory=*",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    files = [ROOT / name for name in names if name and (ROOT / name).is_file()]
    return [file for file in files if b"\0" not in file.read_bytes()]


def complaints(rule: Callable[[str], str | None], files: Iterable[Path]) -> list[str]:
    """What the rule says of each file, with the file's name."""
    said = ((file, rule(file.read_text(encoding="utf-8", errors="replace"))) for file in files)
    return [f"{file.relative_to(ROOT)} {complaint}" for file, complaint in said if complaint]


@pytest.mark.parametrize("rule", [house.no_docstring, house.too_long, house.unfinished])
def test_sources(rule: Callable[[str], str | None]) -> None:
    """Every file of the product says what it holds, holds one idea, and is finished."""
    assert complaints(rule, SOURCES) == []


def test_packages() -> None:
    """Every package has an __init__.py that opens with its map."""
    assert [
        str(package.relative_to(ROOT)) for package in PACKAGES if not (package / "__init__.py").is_file()
    ] == []
    assert complaints(house.no_map, [package / "__init__.py" for package in PACKAGES]) == []


def test_maps_are_whole() -> None:
    """A map that lists the files and folders of its package names each, and no package has lost its list."""
    said = {
        str(package.relative_to(ROOT)): house.left_out(
            (package / "__init__.py").read_text(), parts_of(package)
        )
        for package in PACKAGES
    }
    assert {package: complaint for package, complaint in said.items() if complaint} == {}


def parts_of(package: Path) -> list[str]:
    """The files and folders of a package, by name."""
    folders = {file.parent for file in SOURCES if file.parent.parent == package}
    files = {file for file in SOURCES if file.parent == package and not file.stem.startswith("__")}
    return [path.stem for path in sorted(folders | files)]


def test_names() -> None:
    """No file or folder is a drawer."""
    paths = [file.relative_to(ROOT) for file in everything()]
    assert [f"{path}: {complaint}" for path in paths if (complaint := house.drawer(path))] == []


@pytest.mark.parametrize("rule", [house.promises_missing, house.skipped])
def test_tests(rule: Callable[[str], str | None]) -> None:
    """Every test states its promise and none is skipped."""
    assert complaints(rule, TESTS) == []


@pytest.mark.parametrize("rule", [house.registry_named, house.machine_path])
def test_every_file(rule: Callable[[str], str | None]) -> None:
    """No file names a package registry or a folder of one machine."""
    assert complaints(rule, everything()) == []


def test_this_checkout_is_not_named() -> None:
    """No file names the folder it was written in."""
    assert [
        str(file) for file in everything() if f"{ROOT}/" in file.read_text(encoding="utf-8", errors="replace")
    ] == []


@pytest.mark.parametrize(
    ("rule", "broken", "whole"),
    [
        (house.no_docstring, "import os\n", '"""What it holds."""\n'),
        (house.no_map, '"""One line."""\n', '"""a\n\nb\nc\nd\n"""\n'),
        (house.too_long, "\n" * 401, "\n" * 400),
        (house.unfinished, "x = 1  # TO~DO later\n", "x = 1  # done\n"),
        (house.unfinished, "raise NotImplemented~Error\n", "return NotImplemented\n"),
        (
            house.skipped,
            "@pytest.~mark.skipif(True)\n",
            "@pytest.mark.skipif(os.geteuid() != 0, reason='')\n",
        ),
        (
            house.promises_missing,
            "class T:\n    async def test_x(self): pass\n",
            'def test_x():\n    "It holds."\n',
        ),
        (house.registry_named, "from https://py~pi.org/simple\n", "from PyPI\n"),
        (house.registry_named, "pip install --index~-url x\n", "the index of the book\n"),
        (house.machine_path, "cd /ro~ot/.pyenv\n", "GET /rooted/x, or ${DATA}/ro~ot/x\n"),
        (house.machine_path, "see '/ho~me/kim/sumun'\n", "see /homes/kim\n"),
    ],
)
def test_a_text_rule_can_fail(rule: Callable[[str], str | None], broken: str, whole: str) -> None:
    """Each rule complains about a text that breaks it, and about no other. (`~` keeps this file itself clean.)"""
    assert rule(broken.replace("~", ""))
    assert rule(whole.replace("~", "")) is None


def test_the_rule_of_maps_can_fail() -> None:
    """A list with a gap is found; a map that tells of words instead may leave files out."""
    files = ["one", "two", "three", "four"]
    assert (
        house.left_out('"""Map.\n\none    a\ntwo    b\nthree  c\n"""', files)
        == "lists its files, and not four"
    )
    assert house.left_out('"""Map.\n\none, two    a\nthree  c; four, too\n"""', files) is None
    assert house.left_out('"""Map.\n\nOne    a word\nTwo    another; see three\n"""', files) is None


@pytest.mark.parametrize("name", ["src/utils/x.py", "src/token_helpers.py", "tests/common.py"])
def test_the_drawer_rule_can_fail(name: str) -> None:
    """A drawer is found as a folder, as a file, and behind an underscore."""
    assert house.drawer(PurePath(name))
    assert house.drawer(PurePath("src/sumun/commonality/manage.py")) is None
