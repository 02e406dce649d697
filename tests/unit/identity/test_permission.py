"""Permissions: reading, covering, intersecting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.identity import ANYTHING, InvalidPermissionError, Permission

SIDES = st.sampled_from(["*", "a", "b", "c"])
PERMISSIONS = st.builds(Permission, SIDES, SIDES)
CONCRETE = st.builds(Permission, st.sampled_from("abc"), st.sampled_from("abc"))


@pytest.mark.parametrize("text", ["product:read", "product:*", "*:read", "*:*", "a-b.c_d:x9"])
def test_the_text_form_round_trips(text: str) -> None:
    """What parse reads, str writes."""
    assert str(Permission.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "product",
        "product:",
        ":read",
        "Product:read",
        "a:b:c",
        "a b:c",
        "a:b\n",
        "á:b",
        "9a:b",
        "**:a",
        "a" * 65 + ":b",
        'a":b',
    ],
)
def test_what_is_not_a_permission_is_refused(text: str) -> None:
    """Anything outside the grammar is InvalidPermissionError."""
    with pytest.raises(InvalidPermissionError):
        Permission.parse(text)


@given(PERMISSIONS, PERMISSIONS, CONCRETE)
def test_an_intersection_gives_exactly_what_both_give(
    one: Permission, two: Permission, right: Permission
) -> None:
    """A right is in the intersection if and only if both sides cover it."""
    both = one.intersect(two)
    assert (both is not None and both.covers(right)) == (one.covers(right) and two.covers(right))


@given(PERMISSIONS, PERMISSIONS)
def test_covering_means_the_intersection_is_the_covered(one: Permission, two: Permission) -> None:
    """one covers two exactly when nothing of two is lost in the intersection."""
    assert one.covers(two) == (one.intersect(two) == two)


@given(PERMISSIONS)
def test_anything_covers_everything(one: Permission) -> None:
    """`*:*` covers every permission and pattern."""
    assert ANYTHING.covers(one)
