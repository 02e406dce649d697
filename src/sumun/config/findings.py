"""Findings: gathers what is wrong in one document, each with its place and the line as it may be shown."""

from __future__ import annotations

from collections.abc import Iterable

from sumun.config.document import Document, Node, ScalarNode
from sumun.config.masking import MASK, without_user_part
from sumun.config.plan import Note, Place
from sumun.config.problems import ConfigProblemsError, Problem
from sumun.config.refused import RefusedError

# Enough to work with; a file with more has one cause, not a thousand.
MAX_PROBLEMS = 1000
MAX_NOTES = 200


class Findings:
    """The problems and the notes of one document."""

    def __init__(self, document: Document) -> None:
        """Begin with what the reader of the YAML found."""
        self._document = document
        self._problems: list[Problem] = list(document.problems)
        self._notes: list[Note] = []

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was noted, sorted by place."""
        return tuple(sorted(self._notes, key=lambda note: (note.where.line, note.where.column, note.text)))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong so far."""
        return tuple(self._problems)

    def problem(self, node: Node, what: str, allowed: str = "", mend: str = "") -> None:
        """Something is wrong with this value (or key). `what` continues a sentence that begins with a scalar's text."""
        if isinstance(node, ScalarNode) and not node.empty:
            # Quotes are marked too: where a text ends in its first line, its end is known.
            width = node.end[1] - node.place.column if node.end[0] == node.place.line else len(node.text)
            if self.hides(node):
                # How to mend may say how to write the value, which is to be shown nowhere.
                told = "" if node.text.casefold() in mend.casefold() else mend
                self._add(node.place, MASK, width, what, allowed, told)
            else:
                self._add(
                    node.place, without_user_part(node.text), width, what, allowed, without_user_part(mend)
                )
        else:
            self._add(node.place, "", 1, what, allowed, mend)

    def hides(self, node: Node) -> bool:
        """Whether this value must not be shown."""
        return self._document.hides(node)

    def problem_at(
        self, place: Place, value: str, what: str, allowed: str = "", mend: str = "", *, width: int = 1
    ) -> None:
        """Something is wrong at a place; `value` is a word of ours that the sentence begins with, or empty."""
        self._add(place, value, width, what, allowed, mend)

    def refused(self, node: Node, error: RefusedError) -> None:
        """A reader did not take this value."""
        self.problem(node, error.what, error.allowed, error.mend)

    def note(self, place: Place, text: str) -> None:
        """Something the operator should know that stops nothing."""
        if len(self._notes) < MAX_NOTES:
            self._notes.append(Note(place, text))

    def raise_if_any(self) -> None:
        """Raises ConfigProblemsError when something is wrong."""
        if self._problems:
            raise ConfigProblemsError(self._problems)

    def _add(self, place: Place, value: str, width: int, what: str, allowed: str, mend: str) -> None:
        if len(self._problems) > MAX_PROBLEMS:
            return
        if len(self._problems) == MAX_PROBLEMS:
            file = Place(self._document.file)
            self._problems.append(
                Problem(file, "", f"has more than {MAX_PROBLEMS} problems; these are the first")
            )
            return
        excerpt = self._document.excerpt(place, width)
        self._problems.append(Problem(place, value, what, allowed, mend, excerpt))


def raise_all(several: Iterable[Findings]) -> None:
    """Raises ConfigProblemsError when something is wrong in any of several files."""
    problems = [problem for one in several for problem in one.problems]
    if problems:
        raise ConfigProblemsError(problems)
