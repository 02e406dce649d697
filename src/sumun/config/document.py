"""Document: one configuration file as nodes that know where they stand, and its lines as they may be shown.

`config.yaml_reader` makes documents. Scalars stay text here; `config.scalars` says what a bare word means.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from sumun.config.masking import Span, is_harmless, looks_like_secret, masked_line, sounds_secret
from sumun.config.plan import Place
from sumun.config.problems import Excerpt, Problem, printable
from sumun.config.scalars import EMPTY

_LONGEST_LINE = 110  # characters of a line that are shown; of a longer one a window around the mark
_BEFORE_MARK = 60

# Under these settings people choose the names of the keys, so such a name says nothing of what stands under it.
_NAMED_BY_PEOPLE = frozenset({"services", "roles", "authenticators", "permissions"})

# Under these stand permissions, and `secret:read` is one. Elsewhere it is a secret with a space forgotten.
_HOLD_RIGHTS = frozenset({"roles", "permissions", "require", "scopes"})


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """One word or text. `bare`: written without quotes. `end` is one past its last character."""

    text: str
    bare: bool
    place: Place
    end: tuple[int, int]
    size: int = 1

    @property
    def empty(self) -> bool:
        """Whether nothing is written, or a word that means nothing."""
        return self.bare and self.text in EMPTY


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    items: tuple[Node, ...]
    place: Place
    size: int = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping, and its value."""

    key: ScalarNode
    value: Node


@dataclass(frozen=True, slots=True)
class MappingNode:
    """Settings by name, in the order of the file."""

    entries: Mapping[str, Entry]
    place: Place
    size: int = 1

    def get(self, key: str) -> Node | None:
        """The value under a key, or None."""
        entry = self.entries.get(key)
        return None if entry is None else entry.value

    def place_of(self, key: str) -> Place:
        """Where the value under a key stands; the mapping's own place when the key is not there."""
        value = self.get(key)
        return self.place if value is None else value.place

    def mapping(self, key: str) -> MappingNode:
        """The mapping under a key; an empty one, at this mapping's own place, when there is none."""
        value = self.get(key)
        return value if isinstance(value, MappingNode) else MappingNode({}, self.place)

    def items(self, key: str) -> tuple[Node, ...]:
        """The items of the list under a key; none when there is no list."""
        value = self.get(key)
        return value.items if isinstance(value, SequenceNode) else ()


Node = ScalarNode | SequenceNode | MappingNode


class Document:
    """A file that was read.

    `file` is its name in messages, `folder` what relative paths start from, `lines` the file's lines, `problems` what
    was wrong with the YAML though it could be read on.
    """

    def __init__(
        self,
        file: str,
        folder: PurePath,
        lines: Sequence[str],
        root: MappingNode,
        dropped: Sequence[tuple[Node, bool]] = (),
    ) -> None:
        """Keep the parts. `dropped` are nodes that did not get into the root, and whether they may be secret."""
        self.file = file
        self.folder = folder
        self.root = root
        self.problems: tuple[Problem, ...] = ()
        self._lines = lines
        self._dropped = dropped

    @functools.cached_property
    def secret_spans(self) -> Mapping[int, tuple[Span, ...]]:
        """The places of values that must not be shown, by each line that they touch."""
        by_line: dict[int, list[Span]] = {}
        spans = (Span((n.place.line, n.place.column), n.end) for n in self._secret_scalars())
        for span in dict.fromkeys(spans):  # an alias brings the same scalar again
            for line in range(span.start[0], span.end[0] + 1):
                by_line.setdefault(line, []).append(span)
        return {line: tuple(spans) for line, spans in by_line.items()}

    def _secret_scalars(self) -> Iterator[ScalarNode]:
        yield from _secret_scalars(self.root, secret=False, depth=0)
        for node, secret in self._dropped:
            yield from _secret_scalars(node, secret=secret, depth=1)

    def hides(self, node: Node) -> bool:
        """Whether this scalar's value must not be shown."""
        if not isinstance(node, ScalarNode):
            return False
        start = (node.place.line, node.place.column)
        return any(span.start <= start < span.end for span in self.secret_spans.get(node.place.line, ()))

    def excerpt(self, place: Place, width: int) -> Excerpt | None:
        """The line of a place as it may be shown, with `width` characters of it marked. None outside the file."""
        if place.file != self.file or not 1 <= place.line <= len(self._lines):
            return None
        line = self._lines[place.line - 1]
        shown, moved = masked_line(line, place.line, self.secret_spans.get(place.line, ()))
        start = moved[min(max(place.column - 1, 0), len(line))]
        end = moved[min(max(place.column - 1 + width, 0), len(line))]
        return windowed(shown, start, end - start)


def windowed(line: str, start: int, width: int) -> Excerpt:
    """A line cut to what is worth showing around its mark."""
    text = printable(line.replace("\t", " "))
    if len(text) <= _LONGEST_LINE:
        return Excerpt(text, start, max(1, width))
    first = max(0, min(start - _BEFORE_MARK, len(text) - _LONGEST_LINE))
    return Excerpt(text[first : first + _LONGEST_LINE], start - first, max(1, width))


def _secret_scalars(root: Node, *, secret: bool, depth: int) -> Iterator[ScalarNode]:
    waiting: list[tuple[Node, bool, bool, int]] = [(root, secret, False, depth)]
    while waiting:
        node, secret, rights, depth = waiting.pop()
        match node:
            case ScalarNode():
                if not is_harmless(node.text) and (secret or (not rights and looks_like_secret(node.text))):
                    yield node
            case SequenceNode():
                waiting.extend((item, secret, rights, depth + 1) for item in node.items)
            case MappingNode():
                for name, entry in node.entries.items():
                    below = rights or name in _HOLD_RIGHTS
                    if depth == 0 and name in _NAMED_BY_PEOPLE and isinstance(entry.value, MappingNode):
                        named = entry.value.entries.values()
                        waiting.extend((one.value, secret, below, depth + 2) for one in named)
                        continue
                    if secret or (not rights and looks_like_secret(name)):
                        yield entry.key
                    waiting.append((entry.value, secret or sounds_secret(name), below, depth + 1))
