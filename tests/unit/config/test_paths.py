"""Paths are written one way, and of two that match, one wins."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.config.paths import PathKind, PathPattern, parse_path
from sumun.config.plan import OWN_PATHS
from sumun.config.refused import RefusedError

segments = st.sampled_from(["a", "b", "{x}", "{y}"])
patterns = st.lists(segments, max_size=4).map(
    lambda parts: parts if len(set(parts) & {"{x}", "{y}"}) < 2 else ["a"]
)


def made(parts: list[str], *, prefix: bool) -> PathPattern | None:
    """A pattern from parts, if they make one."""
    try:
        return parse_path("/" + "/".join([*parts, *["**"] * prefix]))
    except RefusedError:
        return None


@pytest.mark.parametrize(
    ("text", "kind", "shape"),
    [
        ("/", PathKind.EXACT, "/"),
        ("/a/b", PathKind.EXACT, "/a/b"),
        ("/a/{id}", PathKind.TEMPLATE, "/a/{}"),
        ("/{a}/b/{c}", PathKind.TEMPLATE, "/{}/b/{}"),
        ("/a/**", PathKind.PREFIX, "/a/**"),
        ("/**", PathKind.PREFIX, "/**"),
        ("/A/a.b/~c/$(d)/e:f@g", PathKind.EXACT, "/A/a.b/~c/$(d)/e:f@g"),
    ],
)
def test_kinds_and_shapes(text: str, kind: PathKind, shape: str) -> None:
    """How a path is written says what it is; names of parameters are no part of its shape."""
    pattern = parse_path(text)
    assert (pattern.kind, pattern.shape) == (kind, shape)


@pytest.mark.parametrize(
    ("text", "matching", "others"),
    [
        ("/", ["/"], ["/a", "//"]),
        ("/a", ["/a"], ["/", "/a/", "/A", "/ab", "/a/b"]),
        ("/a/{x}", ["/a/b", "/a/**", "/a/{x}"], ["/a", "/a/", "/a/b/c", "/b/b"]),
        ("/a/**", ["/a", "/a/", "/a/b", "/a/b/c"], ["/", "/ab", "/b"]),
        ("/**", ["/", "/a", "/a/b/"], []),
    ],
)
def test_what_matches(text: str, matching: list[str], others: list[str]) -> None:
    """A parameter is one segment that is not empty; a prefix takes itself and all below."""
    pattern = parse_path(text)
    assert [path for path in matching if not pattern.matches(path)] == []
    assert [path for path in others if pattern.matches(path)] == []


@pytest.mark.parametrize("own", OWN_PATHS)
def test_our_own_paths(own: str) -> None:
    """A path that lies in ours as a whole is known, one that only reaches into it is not meant."""
    for inside in (own, f"{own}/x", f"{own}/{{x}}", f"{own}/**"):
        assert parse_path(inside).own_path == own
    for outside in (f"{own}x", f"/x{own}", "/**", "/{x}", "/", f"{own.upper()}"):
        assert parse_path(outside).own_path is None


@given(patterns, st.booleans(), patterns, st.booleans(), st.lists(st.sampled_from("abc"), max_size=4))
def test_of_two_that_match_one_wins(
    one: list[str], p: bool, two: list[str], q: bool, path: list[str]
) -> None:
    """Two patterns that match one path have different ranks, unless they match exactly the same paths."""
    first, second = made(one, prefix=p), made(two, prefix=q)
    text = "/" + "/".join(path)
    if first is None or second is None or not (first.matches(text) and second.matches(text)):
        return
    assert (first.rank == second.rank) == (first.shape == second.shape)


def test_exact_wins_over_template_over_prefix() -> None:
    """The order that people expect, on one path."""
    ranked = ["/a/b", "/a/{x}", "/a/b/**", "/{x}/b", "/a/**", "/{x}/{y}", "/**"]
    matching = [parse_path(text) for text in ranked]
    assert all(pattern.matches("/a/b") for pattern in matching)
    order = sorted(zip(matching, ranked, strict=True), key=lambda pair: pair[0].rank)
    assert [text for _, text in order] == ["/a/b", "/a/b/**", "/a/{x}", "/a/**", "/{x}/b", "/{x}/{y}", "/**"]


@given(st.text("/ab*{}.%;?#\\ ~é", max_size=12))
def test_what_is_taken_can_be_requested(text: str) -> None:
    """A path without parameters that is taken matches itself, so a request can reach it as it is written."""
    try:
        pattern = parse_path(f"/{text}")
    except RefusedError:
        return
    if pattern.kind is PathKind.EXACT:
        assert pattern.matches(f"/{text}")
        assert not set(text) & set("%;?#\\ *{}é")
        assert ".." not in text.split("/")
        assert "//" not in f"/{text}"


def test_ranks_are_total_on_small_paths() -> None:
    """Every pair of small patterns keeps the law above: nothing is left to chance."""
    texts = [
        "/" + "/".join(p)
        for n in range(3)
        for p in itertools.product(["a", "b", "{x}"], repeat=n)
        if p.count("{x}") < 2
    ]
    every = [parse_path(t) for t in texts] + [
        parse_path(f"{t.rstrip('/')}/**") for t in texts if "{" not in t
    ]
    paths = ["/" + "/".join(p) for n in range(3) for p in itertools.product("ab", repeat=n)]
    for one, two in itertools.combinations(every, 2):
        if any(one.matches(path) and two.matches(path) for path in paths):
            assert one.rank != two.rank
