"""Generations on disk: written whole, then made current by moving one link.

    generations/000012/haproxy.cfg …    one folder for each generation, 0700, files 0600
    generations/last                    the highest number ever given out
    current -> generations/000012       what HAProxy is started and reloaded with

Nothing is ever half there: a folder is filled under a temporary name, synced and renamed; the link is made under
a temporary name and renamed over the old one. A number is given out once, and is used up even if nothing came of
it: a worker that was half started asks under its number, and must never be answered under another's rules.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Final

from sumun.haproxy.sections import File, Files, Line

_LAST: Final = "last"
_NUMBER: Final = re.compile(r"\d{6,}")


def claim_number(generations: Path) -> int:
    """The next generation number, from 1. On disk before it is returned, so it is never given out again."""
    generations.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = 1 + max([_last(generations), *installed(generations)])
    _write(generations / f"{_LAST}.new", f"{number}\n")
    (generations / f"{_LAST}.new").replace(generations / _LAST)
    _sync(generations)
    return number


def installed(generations: Path) -> list[int]:
    """The numbers whose folders are there, in order."""
    return sorted(int(entry.name) for entry in generations.iterdir() if _NUMBER.fullmatch(entry.name))


def folder_of(generations: Path, generation: int) -> Path:
    """Where a generation's files are."""
    return generations / f"{generation:06d}"


def install(files: Files, generations: Path) -> Path:
    """Write a generation's folder and return it. Raises FileExistsError when there is one of that number already.

    An OSError (a full disk, say) leaves nothing behind.
    """
    folder = folder_of(generations, files.generation)
    if folder.exists():
        raise FileExistsError(f"{folder} is there already; a generation's number is never used twice")
    generations.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = generations / f".{folder.name}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(mode=0o700)
        for file in files.files:
            _write(unfinished / file.name, file.text())
        _sync(unfinished)
        unfinished.rename(folder)
    except OSError:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    _sync(generations)
    return folder


def installed_files(folder: Path) -> Files:
    """The files of an installed generation, as they were written. Raises OSError."""
    texts = ((path.name, path.read_text("utf-8")) for path in sorted(folder.iterdir()))
    files = (File(name, tuple(map(Line, text.removesuffix("\n").split("\n")))) for name, text in texts)
    return Files(int(folder.name), tuple(files))


def make_current(folder: Path, link: Path) -> None:
    """Let `link` point to a generation's folder, in one step."""
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(os.path.relpath(folder, link.parent), target_is_directory=True)
    fresh.replace(link)
    _sync(link.parent)


def remove_old(generations: Path, keep: set[int]) -> None:
    """Remove the folders whose numbers are not in `keep`, and what a crash left unfinished."""
    for entry in generations.iterdir():
        old = _NUMBER.fullmatch(entry.name) and int(entry.name) not in keep
        if old or entry.name.endswith(".unfinished"):
            shutil.rmtree(entry, ignore_errors=True)


def _last(generations: Path) -> int:
    try:
        return int((generations / _LAST).read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _write(path: Path, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """A rename is durable only when its folder was synced (fsync(2))."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
