"""What a HAProxy configuration is made of: sections of lines, and files of sections.

Every line remembers the place of the YAML that caused it (NOWHERE for what is always there), so that a complaint
of `haproxy -c` can be told as a problem of the YAML, and `sumun show` can say why a line is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sumun.config.plan import NOWHERE, Place


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file, without its newline."""

    text: str
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Section:
    """A section of haproxy.cfg or of the SPOE file: its first line, and the lines under it."""

    heading: Line
    body: tuple[Line, ...]

    def lines(self) -> tuple[Line, ...]:
        """As they stand in the file: the body indented, an empty line behind."""
        return (self.heading, *(Line(f"  {line.text}", line.place) for line in self.body), Line(""))


@dataclass(frozen=True, slots=True)
class File:
    """One file of a generation: its name inside the generation's folder, and its lines."""

    name: str
    lines: tuple[Line, ...]

    def text(self) -> str:
        """What is written to disk."""
        return "".join(f"{line.text}\n" for line in self.lines)


@dataclass(frozen=True, slots=True)
class Files:
    """All files of one generation, sorted by name. `haproxy.cfg` is the one HAProxy is started with."""

    generation: int
    files: tuple[File, ...]

    def get(self, file_name: str) -> File:
        """The file of that name. KeyError when there is none."""
        for file in self.files:
            if file.name == file_name:
                return file
        raise KeyError(file_name)


def section(heading: str, body: Iterable[str | Line], place: Place = NOWHERE) -> Section:
    """A section whose heading, and those lines that are plain texts, come from `place`."""
    lines = tuple(line if isinstance(line, Line) else Line(line, place) for line in body)
    return Section(Line(heading, place), lines)


def file_of(name: str, sections: Iterable[Section]) -> File:
    """A file made of sections."""
    return File(name, tuple(line for part in sections for line in part.lines()))
