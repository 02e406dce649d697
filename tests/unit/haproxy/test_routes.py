"""HAProxy's choice of a route is the slow and obvious rule's (`config.precedence`), for any routes and any path."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sumun.access import Access
from sumun.config.plan import METHODS, Route
from sumun.config.precedence import find as slow_find
from sumun.haproxy import RuntimePaths, render
from sumun.haproxy.errors import RouteTableTooLargeError
from sumun.haproxy.route_tree import Target, states
from sumun.haproxy.sections import Files
from tests.unit.haproxy.plans import plan, route, service
from tests.unit.haproxy.walk import Walker

PATHS = RuntimePaths(Path("/run/sumun"), Path("/generations/000001"))
HOSTS = ("", "", "a.test", "b.test")

# Few words, so that templates collide, shadow and fall back all the time.
words = st.sampled_from(["a", "b", "c", "{x}", "{x}", "oauth"])
templates = st.lists(words, max_size=5).map(
    lambda parts: "/" + "/".join(f"{{x{i}}}" if part == "{x}" else part for i, part in enumerate(parts))
)
patterns = st.one_of(
    templates,
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=3).map(lambda parts: "/".join(["", *parts, "**"])),
)
method_sets = st.one_of(
    st.just(()), st.lists(st.sampled_from(["GET", "POST", "PUT"]), min_size=1, unique=True)
)
accesses = st.sampled_from([Access.PROTECTED, Access.PUBLIC, Access.INTERNAL])


@st.composite
def route_sets(draw: st.DrawFn) -> list[Route]:
    """Routes as the compiler lets them pass: no two with one host, shape and method."""
    routes: list[Route] = []
    taken: set[tuple[str, str, str]] = set()
    for number in range(draw(st.integers(1, 12))):
        host, path, methods = draw(st.sampled_from(HOSTS)), draw(patterns), tuple(draw(method_sets))
        keys = {(host, path, method) for method in methods or METHODS}
        if taken & keys or path.startswith("/oauth"):
            continue
        taken |= keys
        routes.append(route(f"r{number}", path, "s", *methods, host=host, access=draw(accesses)))
    return routes


segments = st.sampled_from(["a", "b", "c", "z", "aa", "", "oauth", "healthz"])
paths = (
    st.lists(segments, max_size=6).map(lambda parts: "/" + "/".join(parts)).filter(lambda p: "//" not in p)
)


def rendered(routes: list[Route]) -> Files:
    """The files of a plan with these routes and both listeners."""
    return render(plan(1, [service("s", 9)], routes, internal=2), 1, PATHS)


def expected(routes: list[Route], host: str, method: str, path: str, *, internal: bool) -> str | None:
    """The route's id by the slow rule, or None."""
    found = slow_find(routes, host, method, path, internal=internal)
    return None if found is None else found.id


@settings(max_examples=200)
@given(
    route_sets(),
    st.lists(st.tuples(st.sampled_from(["", "a.test", "b.test"]), paths), min_size=1, max_size=30),
)
def test_same_choice(routes: list[Route], requests: list[tuple[str, str]]) -> None:
    """For any routes and any request the walk through the maps finds the route, and the `Allow`, of the slow
    rule.
    """
    files = rendered(routes)
    for listener in ("public", "internal"):
        walker, internal = Walker(files, listener), listener == "internal"
        for host, path in requests:
            if path.split("/")[1] in ("oauth", "healthz"):
                assert walker.answer(host, "GET", path).split("|")[0] in ("own", "healthz")
                continue
            allow = [m for m in METHODS if expected(routes, host, m, path, internal=internal)]
            assert walker.methods(host, path) == (", ".join(allow) or "."), (host, path)
            for method in ("GET", "POST", "PUT", "DELETE"):
                answer = walker.answer(host, method, path)
                name = None if answer in (".", "refuse|-|") else answer.split("|")[1]
                assert name == expected(routes, host, method, path, internal=internal), (host, method, path)


def test_enough_steps_are_rendered() -> None:
    """The configuration walks as often as the longest template has placeholders, inherited ones included."""
    files = rendered([route("one", "/{a}/x/{b}/y", "s"), route("two", "/l/{c}/{d}/{e}", "s")])
    text = files.get("haproxy.cfg").text()
    assert text.count("map_beg(public.routes.map,.)") == 1 + 2


def test_a_literal_inherits_from_the_placeholder_beside_it() -> None:
    """A literal branch that ends too early does not hide the template that would have matched (no backtracking
    needed).
    """
    routes = [route("late", "/a/b/{x}/c", "s"), route("other", "/a/{y}/{z}/d", "s")]
    assert Walker(rendered(routes), "public").answer("", "GET", "/a/b/1/d") == "ask.s|other||1.1"


def test_internal_route_keeps_its_place() -> None:
    """A route for internal callers is 404 elsewhere, and no less literal route takes its requests."""
    routes = [
        route("stats", "/internal/stats", "s", "GET", access=Access.INTERNAL),
        route("rest", "/internal/**", "s", access=Access.PUBLIC),
    ]
    walker = Walker(rendered(routes), "public")
    assert walker.answer("", "GET", "/internal/stats") == "refuse|-|"
    assert walker.methods("", "/internal/stats") == "DELETE, HEAD, OPTIONS, PATCH, POST, PUT"
    assert walker.answer("", "POST", "/internal/stats") == "open.s|rest||1.-"


def test_ten_thousand_routes_make_few_states() -> None:
    """Ordinary routes make about as many states as they have segments."""
    targets = [Target("", f"/svc{n}/v1/{{id}}/part", ("GET",), f"s|r{n}|") for n in range(10_000)]
    assert len(states(targets)) < 50_000


def test_too_many_cases() -> None:
    """Templates that multiply beyond what fits in memory are refused with a sentence that says where."""
    targets = [Target("", "/" + "/".join(["{x}"] * depth + [f"l{depth}"]), (), "v") for depth in range(12)]
    targets += [Target("", f"/a{n}/b{n}/c{n}", (), "v") for n in range(50)]
    with pytest.raises(RouteTableTooLargeError, match='near "/'):
        states(targets, most=100)
