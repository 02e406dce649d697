"""Where in the YAML something stands, and what there is to say about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the YAML something stands; line and column count from 1."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """`file:line:column`, as compilers write it."""
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class Note:
    """Something an operator should know that stops nothing; `sumun check` prints it and ends with 0."""

    where: Place
    text: str
