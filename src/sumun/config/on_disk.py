"""What of a configuration stands on disk: the file, and the policy tests beside it.

appearance   cheap: what tells a file that was written since from one that was not, links followed
version      dear: a digest of everything that stands in them
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from sumun.config.yaml_reader import files_beside

Appearance: TypeAlias = Mapping[str, tuple[int, int, int, int, int] | None]
"""File -> device, inode, size, time of the last writing and of the last change of any kind (nanoseconds). None: it is
not there, or may not be read.
"""


def appearance(path: Path, beside: Iterable[Path] = ()) -> Appearance:
    """How the files look now, and these beside."""
    return {str(one): _look(one) for one in (*_files(path), *beside)}


def version(path: Path) -> str:
    """A digest of the names and contents of the files; of what cannot be read, the reason stands for the content."""
    return contents(_files(path))


def contents(files: Iterable[Path]) -> str:
    """The same of any files."""
    digest = hashlib.sha256()
    for one in files:
        try:
            content = hashlib.sha256(one.read_bytes()).hexdigest()
        except OSError as error:
            content = str(error.strerror)
        digest.update(f"{one}\0{content}\0".encode())
    return digest.hexdigest()


def _files(path: Path) -> tuple[Path, ...]:
    try:
        return (path, *files_beside(path))
    except OSError:
        return (path,)


def _look(path: Path) -> tuple[int, int, int, int, int] | None:
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns
