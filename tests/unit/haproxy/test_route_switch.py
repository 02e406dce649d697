"""Routes that are switched under a worker that serves: each request finds what it found before, or what it finds after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from sumun.access import Access, HasRole
from sumun.config.plan import Route
from sumun.haproxy import render, route_switch
from sumun.haproxy.route_switch import Switch, switches
from sumun.haproxy.sections import Files
from sumun.identity import Permission
from tests.unit.haproxy.plans import plan, route, service
from tests.unit.haproxy.test_routes import PATHS, paths, route_sets
from tests.unit.haproxy.walk import longest_prefix, table, walk

METHODS = ("GET", "POST", "PUT")


def rendered(routes: list[Route], generation: int, **changed: object) -> Files:
    """The files of a plan with these routes and both listeners."""
    made = plan(1, [service("s", 9), service("t", 8)], routes, internal=2)
    return render(replace(made, **changed), generation, PATHS)


class Map:
    """HAProxy's map while it is switched: rows of two versions, the one in force, and what is still to be done.

    A row of an older version of a key stands before a newer one. A look takes the lock against changes of rows, not
    against the step that puts a version in force (`pat_match_beg`, `pat_ref_commit` in HAProxy's pattern.c).
    """

    def __init__(self, before: dict[str, str], switch: Switch) -> None:
        self.rows: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for key, value in before.items():
            self.rows[key].append((0, value))
        self.in_force = 0
        self._events = self._happen(switch)
        self._next: tuple[str, object] | None = next(self._events)
        self.until_commit = len(switch.added) + len(switch.rows)
        self.left = self.until_commit + 1 + len(before)

    def _happen(self, switch: Switch) -> Iterator[tuple[str, object]]:
        yield from (("add", (key, 0, value)) for key, value in switch.added.items())
        yield from (("add", (key, 1, value)) for key, value in switch.rows.items())
        yield ("commit", None)
        yield from (("purge", key) for key in list(self.rows))

    def go_on(self) -> None:
        """One thing more is done."""
        match self._next:
            case ("add", (key, version, value)):
                self.rows[key].append((version, value))
            case ("commit", _):
                self.in_force = 1
            case ("purge", key):
                self.rows[key] = [row for row in self.rows[key] if row[0] == 1]
        self._next = next(self._events, None)
        self.until_commit, self.left = max(0, self.until_commit - 1), max(0, self.left - 1)

    def look(self, text: str, moments: Iterator[int]) -> str:
        """The longest prefix, with other threads at work before it and, as far as they can be, during it."""
        for _ in range(next(moments)):
            self.go_on()
        during = next(moments)
        for end in range(len(text), 0, -1):
            for version, value in self.rows.get(text[:end], ()):
                if version == self.in_force:
                    return value
                during -= 1
                if during == 0 and self._next is not None and self._next[0] == "commit":
                    self.go_on()
        return "."


Plan = Callable[[Files, Files], Iterable[Switch]]


def map_switches(one: Files, two: Files) -> list[Switch]:
    """The maps that both have, whatever else differs."""
    both = {file.name for file in one.files} & {file.name for file in two.files}
    names = sorted(name for name in both if name.endswith((".routes.map", ".methods.map")))
    return [route_switch._switch(name, table(one, name), table(two, name)) for name in names]


def moments(random: Random, changing: Map) -> Iterator[int]:
    """How much happens before each look, and at which step of it a version may come into force."""
    while True:
        yield random.choice((0, 1, changing.until_commit, random.randint(0, changing.left)))
        yield random.randint(0, 4)


@st.composite
def occasions(draw: st.DrawFn) -> tuple[list[Route], list[Route], list[str], Random]:
    """Routes before and after, some of them the same; paths; and a source of moments."""
    before, after = draw(route_sets()), draw(route_sets())
    if draw(st.booleans()):
        after = [*before[: draw(st.integers(0, len(before)))], *after]
    asked = draw(st.lists(paths, min_size=1, max_size=5))
    return before, after, asked, draw(st.randoms(use_true_random=False))


def ask_everything(occasion: tuple[list[Route], list[Route], list[str], Random], planned: Plan) -> None:
    """Requests of every method while the maps are switched."""
    before, after, asked, random = occasion
    one, two = rendered(before, 1), rendered(after, 2)
    for switch in planned(one, two):
        old, new = table(one, switch.map), table(two, switch.map)
        placeholders = max(key.count("*") for key in (*old, *new))
        host = "-/" if any(key.startswith("-/") for key in old) else ""
        for path, method in product(asked, METHODS if "routes" in switch.map else ("",)):
            text = f"{host}{method}:{path}"
            changing = Map(old, switch)
            found = walk(partial(changing.look, moments=moments(random, changing)), text, placeholders)
            right = {walk(partial(longest_prefix, rows), text, placeholders) for rows in (old, new)}
            assert found in right, (switch.map, text)


@settings(max_examples=100)
@given(occasions())
def test_each_request_finds_what_it_found_before_or_after(occasion: Any) -> None:
    """Wherever a change of the maps falls, between two looks or into one: the answer is one generation's, and right in it."""
    ask_everything(occasion, map_switches)


def _nothing_is_added_before(one: Files, two: Files) -> Iterator[Switch]:
    return (replace(switch, added={}) for switch in map_switches(one, two))


def _what_is_still_walked_is_dropped(one: Files, two: Files) -> Iterator[Switch]:
    return (replace(switch, rows=table(two, switch.map)) for switch in map_switches(one, two))


def _what_is_added_has_its_new_value(one: Files, two: Files) -> Iterator[Switch]:
    for switch in map_switches(one, two):
        new = table(two, switch.map)
        yield replace(switch, added={key: new[key] for key in switch.added})


@pytest.mark.parametrize(
    "planned",
    [_nothing_is_added_before, _what_is_still_walked_is_dropped, _what_is_added_has_its_new_value],
    ids=lambda planned: planned.__name__.strip("_"),
)
def test_planted_mistakes_are_found(planned: Plan) -> None:
    """A simulation that cannot fail proves nothing: each of these ways to switch is caught."""

    @seed(6)  # each is found within seconds; with others it took half a minute
    @settings(max_examples=5000, database=None, phases=(Phase.generate,), print_blob=False)
    @given(occasions())
    def tried(occasion: Any) -> None:
        ask_everything(occasion, planned)

    with pytest.raises(AssertionError, match=r"\.map"):
        tried()


ONE = [route("a", "/a/{x}", "s"), route("b", "/b", "s", access=Access.PUBLIC)]


@pytest.mark.parametrize(
    ("routes", "changed"),
    [
        ([ONE[0], route("b", "/b", "s", access=Access.PUBLIC), route("c", "/c/{y}", "s")], {}),
        ([replace(ONE[0], requirement=HasRole("admin")), ONE[1]], {}),
        ([replace(ONE[0], methods=("PUT",)), replace(ONE[1], path="/z/**")], {}),
        (ONE, {"roles": {"admin": frozenset({Permission("a", "b")})}}),
    ],
    ids=["another route", "what it needs", "where it is", "what a role bundles"],
)
def test_what_needs_no_worker(routes: list[Route], changed: dict[str, object]) -> None:
    """Routes, what they need, and what roles bundle are changed in the worker that serves."""
    planned = switches(rendered(ONE, 1), rendered(routes, 2, **changed))
    assert planned is not None
    assert {switch.map for switch in planned} == {
        f"{listener}.{what}.map" for listener in ("public", "internal") for what in ("methods", "routes")
    }


@pytest.mark.parametrize(
    ("routes", "changed"),
    [
        ([*ONE, route("c", "/a/{x}/{y}/{z}", "s")], {}),
        ([*ONE, route("c", "/c", "t")], {}),
        ([*ONE, route("c", "/c", "s", host="a.test")], {}),
        ([ONE[0]], {}),
        (ONE, {"internal": None}),
    ],
    ids=["more steps", "another service", "a host", "a backend less", "a listener less"],
)
def test_what_needs_a_new_worker(routes: list[Route], changed: dict[str, object]) -> None:
    """Whatever HAProxy reads beside the maps of routes is read by a new worker only."""
    assert switches(rendered(ONE, 1), rendered(routes, 2, **changed)) is None


def test_very_many_routes_need_a_new_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """To write them row by row would take longer than a worker takes to read its files."""
    assert switches(rendered(ONE, 1), rendered(ONE, 2)) is not None
    monkeypatch.setattr(route_switch, "MOST_ROWS", 5)
    assert switches(rendered(ONE, 1), rendered(ONE, 2)) is None
