"""YAML -> Document.

    bytes -> text (UTF-8, no byte order mark, at most 4 MiB) -> events of libyaml -> nodes

A small part of YAML on purpose. One document; no tags; no merge keys (`<<`), for they hide which value wins; aliases
only as far as their sum stays small; keys are words, and one key stands once. Nesting and the number of nodes are
bounded while reading, so no file is expensive. Nothing is built by recursion, and nothing of the file is ever executed.

What cannot be read on from is raised at once; what can (a key twice, a tag) is kept in `Document.problems`, so that it
is told together with everything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

import yaml

from sumun.config.document import Document, Entry, MappingNode, Node, ScalarNode, SequenceNode
from sumun.config.masking import MASK, sounds_secret
from sumun.config.plan import Place
from sumun.config.problems import ConfigProblemsError, Problem
from sumun.config.yaml_syntax import rough_excerpt, syntax_problem

# 10,000 routes written out are about 1 MiB and 130,000 nodes; the limits leave four times that.
MAX_BYTES = 4 << 20
MAX_NODES = 500_000
MAX_DEPTH = 64
TESTS = "*.test.yaml"
MAX_PROBLEMS = 1000  # a file that is worse than this is told so, not listed

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # those of libyaml, whose line numbers we use
_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def read(path: Path) -> Document:
    """Read a file. Raises ConfigProblemsError. The only I/O of this package."""
    file = str(path)
    try:
        with path.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
        folder = path.resolve().parent
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "not a path").lower()
        whole = Problem(Place(file), "", f"cannot be read: {reason}", "", "give the path of a YAML file")
        raise ConfigProblemsError([whole]) from None
    return parse(data, file, folder)


def read_beside(path: Path) -> tuple[Document, ...]:
    """The files of policy tests in the folder of a configuration. Raises ConfigProblemsError, for all at once."""
    problems: list[Problem] = []
    documents = []
    try:
        found = files_beside(path)
    except OSError as error:
        what = f"files {TESTS} beside it cannot be looked for: {(error.strerror or 'no folder').lower()}"
        mend = "let sumun list the folder that it is in"
        raise ConfigProblemsError([Problem(Place(str(path)), "", what, mend=mend)]) from None
    for one in found:
        try:
            documents.append(read(one))
        except ConfigProblemsError as error:
            problems += error.problems
    if problems:
        raise ConfigProblemsError(problems)
    return tuple(documents)


def files_beside(path: Path) -> tuple[Path, ...]:
    """The files of policy tests in the folder of a configuration, links followed. Raises OSError."""
    real = path.resolve()
    # Not glob(): of a folder that it may not list it says that nothing is there, and no test would be tried.
    found = sorted(
        p for p in real.parent.iterdir() if p.match(TESTS) and p.name[0] != "." and p.name != real.name
    )
    # By the name that the operator sees, where it is one.
    named = ((path.parent / one.name, one) for one in found)
    return tuple(seen if seen.resolve() == one.resolve() else one for seen, one in named)


def parse(data: bytes, file: str, folder: PurePath) -> Document:
    """The document in these bytes; `file` is its name in messages. Raises ConfigProblemsError."""
    text, problems = _text(data, file)
    lines = _LINE_BREAK.split(text)
    builder = _Builder(file)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.take(event)
        root = builder.whole()
    except _CannotGoOnError as stop:
        found = [*builder.found, stop.problem]
        raise ConfigProblemsError([*problems, *_roughly(found, lines)]) from None
    except yaml.YAMLError as error:
        found = [*_roughly(builder.found, lines), syntax_problem(error, file, lines)]
        raise ConfigProblemsError([*problems, *found]) from None
    document = Document(file, folder, lines, root, builder.dropped)
    shown = (replace(one, excerpt=document.excerpt(one.place, len(one.value) or 1)) for one in builder.found)
    document.problems = (*problems, *shown)
    return document


def _roughly(found: Iterable[Problem], lines: Sequence[str]) -> list[Problem]:
    return [replace(one, excerpt=rough_excerpt(lines, one.place, one.place.line)) for one in found]


def _text(data: bytes, file: str) -> tuple[str, list[Problem]]:
    def stop(what: str, mend: str, place: Place | None = None) -> ConfigProblemsError:
        return ConfigProblemsError([Problem(place or Place(file), "", what, "UTF-8 text up to 4 MiB", mend)])

    if len(data) > MAX_BYTES:
        raise stop("is larger than 4 MiB", "write fewer routes, with templates and prefixes")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or (b"\0" in data[:4] and len(data) > 1):
        raise stop("is not UTF-8 but UTF-16, UTF-32 or no text", "save it as UTF-8")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = _LINE_BREAK.split(data[: error.start].decode(errors="replace"))
        place = Place(file, len(before), len(before[-1]) + 1)
        raise stop(f"byte {data[error.start]:#04x} is not UTF-8", "save the file as UTF-8", place) from None
    problems = []
    if text.startswith("\ufeff"):
        text = text[1:]
        marked = "the file begins with a byte order mark"
        problems.append(Problem(Place(file, 1, 1), "", marked, "", "save it as UTF-8 without one"))
    odd = _NOT_TEXT.search(text)
    if odd is not None:
        before = _LINE_BREAK.split(text[: odd.start()])
        place = Place(file, len(before), len(before[-1]) + 1)
        raise stop(f"character U+{ord(odd[0]):04X} cannot stand in a YAML file", "remove it", place)
    return text, problems


class _CannotGoOnError(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem


def _stop(place: Place, what: str, mend: str) -> _CannotGoOnError:
    return _CannotGoOnError(Problem(place, "", what, mend=mend))


@dataclass(slots=True)
class _Open:
    """A list or a mapping whose end is not there yet."""

    place: Place
    anchor: str | None
    mapping: bool
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    key: Node | None = None
    size: int = 1

    def close(self) -> MappingNode | SequenceNode:
        if self.mapping:
            return MappingNode(self.entries, self.place, self.size)
        return SequenceNode(tuple(self.items), self.place, self.size)


class _Builder:
    """Puts nodes together from events, without recursion."""

    def __init__(self, file: str) -> None:
        self.found: list[Problem] = []
        self.dropped: list[tuple[Node, bool]] = []
        self._file = file
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._nodes = 0
        self._documents = 0
        self._root: Node | None = None

    def take(self, event: Any) -> None:
        """One event of the parser."""
        match event:
            case yaml.ScalarEvent():
                after: Any = event.end_mark
                end = (after.line + 1, after.column + 1)
                bare = event.style is None or event.style == ""
                self._node(event, ScalarNode(event.value, bare, self._place(event), end))
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._begin(event, mapping=isinstance(event, yaml.MappingStartEvent))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                ended = self._open.pop()
                node = ended.close()
                if ended.anchor is not None:
                    self._anchors[ended.anchor] = node
                self._attach(node)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise _stop(self._place(event), "a second document begins", "keep one, without ---")

    def whole(self) -> MappingNode:
        """The root, when all events were taken."""
        root = self._root
        empty = root is None or (isinstance(root, ScalarNode) and root.empty)
        if empty:
            raise _stop(Place(self._file), "is empty", "begin with `services:` and `routes:`")
        if not isinstance(root, MappingNode):
            place = Place(self._file, 1, 1) if root is None else root.place
            raise _stop(place, "the file does not hold settings", "begin with `services:` and `routes:`")
        return root

    def _begin(self, event: Any, *, mapping: bool) -> None:
        self._count(1, event)
        self._check_tag(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # not complete: an alias to it would be a circle
        if len(self._open) >= MAX_DEPTH:
            raise _stop(self._place(event), f"is nested deeper than {MAX_DEPTH} levels", "write it flatter")
        self._open.append(_Open(self._place(event), event.anchor, mapping))

    def _node(self, event: Any, node: ScalarNode) -> None:
        self._count(1, event)
        self._check_tag(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._attach(node)

    def _alias(self, event: Any) -> None:
        node = self._anchors.get(event.anchor)
        place = self._place(event)
        if node is None:
            circle = event.anchor in self._anchors
            what = "stands inside what it refers to" if circle else "refers to nothing above"
            raise _stop(place, f"this alias {what}", 'text that begins with * must stand in "quotes"')
        self._count(node.size, event)
        self._attach(node)

    def _attach(self, node: Node) -> None:
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        parent.size += node.size
        if not parent.mapping:
            parent.items.append(node)
        elif parent.key is None:
            parent.key = node
        else:
            key, parent.key = parent.key, None
            self._entry(parent, key, node)

    def _entry(self, parent: _Open, key: Node, value: Node) -> None:
        secret = any(isinstance(one.key, ScalarNode) and sounds_secret(one.key.text) for one in self._open)
        if self._refuses(parent, key, secret=secret):
            named = isinstance(key, ScalarNode) and sounds_secret(key.text)
            self.dropped += [(key, secret), (value, secret or named)]
        elif isinstance(key, ScalarNode):
            parent.entries[key.text] = Entry(key, value)

    def _refuses(self, parent: _Open, key: Node, *, secret: bool) -> bool:
        if not isinstance(key, ScalarNode):
            self._find(
                key.place, "", "a list or a mapping cannot be a key", 'write a word, or the text in "quotes"'
            )
        elif key.text == "<<" and key.bare:
            self._find(key.place, "<<", "merges settings and hides which one wins", "write the settings out")
        elif not key.text:
            self._find(key.place, "", "a value has no name before the colon", "write name: value")
        elif key.text in parent.entries:
            first = parent.entries[key.text].key.place.line
            shown = MASK if secret else key.text
            self._find(key.place, shown, f"stands twice, first in line {first}", "keep one of the two")
        else:
            return False
        return True

    def _check_tag(self, event: Any) -> None:
        if event.tag is not None:
            self._find(
                self._place(event),
                "",
                "has a tag (!), and settings have none",
                'remove it, or write "quotes"',
            )

    def _count(self, nodes: int, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise _stop(
                self._place(event),
                f"makes more than {MAX_NODES} values",
                "write fewer; do not repeat aliases",
            )

    def _find(self, place: Place, value: str, what: str, mend: str) -> None:
        self.found.append(Problem(place, value, what, mend=mend))
        if len(self.found) >= MAX_PROBLEMS:
            raise _stop(place, f"there are more than {MAX_PROBLEMS} problems", "mend those above first")

    def _place(self, event: Any) -> Place:
        return Place(self._file, event.start_mark.line + 1, event.start_mark.column + 1)


def add_excerpts(problems: Iterable[Problem], path: Path) -> tuple[Problem, ...]:
    """The problems with the lines of their places; as they are when the file cannot be read any more."""
    try:
        document = read(path)
    except ConfigProblemsError:
        return tuple(problems)
    return tuple(replace(one, excerpt=document.excerpt(one.place, len(one.value) or 1)) for one in problems)
