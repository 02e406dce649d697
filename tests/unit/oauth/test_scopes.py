"""Scopes asked for are held against what a client may have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.identity import ANYTHING, Permission
from sumun.identity.scope import scope_text
from sumun.oauth.errors import InvalidScopeError
from sumun.oauth.scopes import MAX_SCOPES, granted_scopes

SIDE = st.sampled_from(["*", "a", "b"])
PERMISSIONS = st.frozensets(st.builds(Permission, SIDE, SIDE), min_size=1, max_size=4)
CONCRETE = [Permission(resource, action) for resource in "abc" for action in "abc"]


@given(PERMISSIONS, PERMISSIONS)
def test_never_more_than_allowed(may_have: frozenset[Permission], asked: frozenset[Permission]) -> None:
    """What is granted is what was asked, and each right it reaches is one that the client may have."""
    try:
        granted = granted_scopes(scope_text(asked), may_have)
    except InvalidScopeError:
        # Refused: at least one asked scope is covered by no scope of the client.
        assert any(not any(one.covers(wanted) for one in may_have) for wanted in asked)
        return
    assert granted == asked
    for right in CONCRETE:
        if any(scope.covers(right) for scope in granted):
            assert any(scope.covers(right) for scope in may_have)


def test_not_asked() -> None:
    """Who asks for nothing gets all that the client may have; a client without any scope gets no token."""
    assert granted_scopes(None, [ANYTHING]) == {ANYTHING}
    with pytest.raises(InvalidScopeError):
        granted_scopes(None, [])
    with pytest.raises(InvalidScopeError):
        granted_scopes("a:b", [])


@pytest.mark.parametrize(
    "asked", ["", " ", "a", "a:b ", " a:b", "a:b  c:d", "a:b\tc:d", "a:b,c:d", 'a:"b"', "A:b"]
)
def test_malformed(asked: str) -> None:
    """RFC 6749 3.3: scope-tokens with one space between, each a permission of ours."""
    with pytest.raises(InvalidScopeError):
        granted_scopes(asked, [ANYTHING])


def test_how_many() -> None:
    """The number of scopes is bounded."""
    asked = [f"a:b{number}" for number in range(MAX_SCOPES)]
    assert len(granted_scopes(" ".join(asked), [ANYTHING])) == MAX_SCOPES
    with pytest.raises(InvalidScopeError):
        granted_scopes(" ".join([*asked, "c:d"]), [ANYTHING])


def test_text_is_sorted() -> None:
    """Scopes are written in one order."""
    assert scope_text([Permission("b", "a"), Permission("a", "*")]) == "a:* b:a"
