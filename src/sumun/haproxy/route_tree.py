"""Which template wins, worked out ahead of time, so that a request needs a few look-ups however many routes there
are.

Templates are written `/products`, `/products/{id}`, `/files/**` (the prefix itself included). **The most literal
one wins, read from the left**: a literal segment beats `{…}`, `{…}` beats `**`, and a host that is named beats
any host. A placeholder takes one segment that is not empty. The method is part of the match: a template that does
not take the request's method is passed over, and the next best is asked.

To find the winner one would have to try alternatives and come back: `/a/b/{x}/c` fails late, and `/a/{y}/{z}/d`
matches. So the tree is made deterministic first (the subset construction that turns an NFA into a DFA): a state
is the *set* of all templates still possible, and what a literal child does not say itself it inherits from the
placeholder beside it. After that a path is read once, from the left, without coming back. Each state has a text,
its path with `*` for placeholders and a slash at the end: `/products/*/`. HAProxy's maps are the states
(`route_maps`), its rules the walk (`routes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sumun.config.plan import METHODS
from sumun.haproxy.errors import RouteTableTooLargeError

MOST_STATES: Final = 500_000
"""About 200 MB of HAProxy's memory. 10,000 ordinary routes make 20,000 to 40,000, with every method 200,000."""

REST: Final = "**"


@dataclass(frozen=True, slots=True)
class Target:
    """One template and where its requests go. `tier` 0 is asked before 1, whatever the paths say."""

    host: str
    path: str
    methods: tuple[str, ...]
    value: str
    tier: int = 1


@dataclass(frozen=True, slots=True)
class Ranked:
    """A target with the place it has among the others: smaller is better."""

    rank: tuple[int, ...]
    methods: tuple[str, ...]
    value: str


@dataclass(slots=True)
class Node:
    """A node of the tree of templates, before it is made deterministic."""

    literal: dict[str, Node] = field(default_factory=dict)
    placeholder: Node | None = None
    ends: list[Ranked] = field(default_factory=list)
    rests: list[Ranked] = field(default_factory=list)


@dataclass(slots=True)
class State:
    """A set of templates that are still possible after reading the state's text.

    `exact` is the winner by method when the path ends here, only if a template without `**` takes that method
    here. `rest` is the winner by method when nothing below matches. `takes_placeholder` is True when a segment
    that is no literal child can be read as a placeholder.
    """

    text: str
    exact: Mapping[str, str]
    rest: Mapping[str, str]
    takes_placeholder: bool


def segments(path: str) -> tuple[str, ...]:
    """`/a/{id}/` -> `("a", "*", "")`; the last is `**` for a prefix."""
    return tuple("*" if part.startswith("{") else part for part in path.split("/")[1:])


def add(root: Node, target: Target) -> None:
    """Put one target into the tree."""
    node = root
    rank = [target.tier, 0 if target.host else 1]
    parts = segments(target.path)
    methods = target.methods or METHODS
    for part in parts:
        if part == REST:
            node.rests.append(Ranked((*rank, 2), methods, target.value))
            return
        rank.append(1 if part == "*" else 0)
        if part == "*":
            node.placeholder = node.placeholder or Node()
            node = node.placeholder
        else:
            node = node.literal.setdefault(part, Node())
    node.ends.append(Ranked(tuple(rank), methods, target.value))


def states(targets: Iterable[Target], prefix: str = "", most: int = MOST_STATES) -> list[State]:
    """All states, in the order of their texts. Raises RouteTableTooLargeError when there would be more than
    `most`.
    """
    root = Node()
    for target in targets:
        add(root, target)
    found: list[State] = []
    todo: list[tuple[str, list[Node], list[Ranked]]] = [(f"{prefix}/", [root], [])]
    while todo:
        text, nodes, inherited = todo.pop()
        rests = inherited + [rest for node in nodes for rest in node.rests]
        placeholders = [node.placeholder for node in nodes if node.placeholder]
        found.append(_state(text, nodes, rests, takes_placeholder=bool(placeholders)))
        if len(found) > most:
            raise RouteTableTooLargeError(
                f"the routes make more than {most} cases, because templates with a placeholder early in the path "
                f'combine with every literal beside it (near "{text}"). Put a literal segment first, or use fewer'
            )
        for literal in {key for node in nodes for key in node.literal}:
            children = [node.literal[literal] for node in nodes if literal in node.literal]
            # RFC 3986 3.3: the empty segment behind a final slash is a segment too; a placeholder does not take
            # it.
            todo.append((f"{text}{literal}/", children + (placeholders if literal else []), rests))
        if placeholders:
            todo.append((f"{text}*/", placeholders, rests))
    found.sort(key=lambda state: state.text)
    return found


def _state(text: str, nodes: list[Node], rests: list[Ranked], *, takes_placeholder: bool) -> State:
    ends = [end for node in nodes for end in node.ends]
    best = _best(ends + rests)
    taken = {method for end in ends for method in end.methods}
    exact = {method: value for method, value in best.items() if method in taken}
    return State(text, exact, _best(rests), takes_placeholder)


def _best(ranked: list[Ranked]) -> dict[str, str]:
    """The value of the best by method; of equals the first."""
    best: dict[str, Ranked] = {}
    for one in ranked:
        for method in one.methods:
            if method not in best or one.rank < best[method].rank:
                best[method] = one
    return {method: one.value for method, one in best.items()}
