"""Principals: effective permissions and active roles."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from sumun.identity import ANYTHING, Permission, Principal, Subject

SIDE = st.sampled_from(["*", "a", "b"])
PERMISSION = st.builds(Permission, SIDE, SIDE)
PERMISSIONS = st.frozensets(PERMISSION, max_size=4)
ROLES = st.frozensets(st.sampled_from(["x", "y"]))
EVERY_RIGHT = [Permission(r, a) for r, a in product("abc", repeat=2)]


def principal(
    roles: frozenset[str], direct: frozenset[Permission], scopes: frozenset[Permission]
) -> Principal:
    """A principal with these rights."""
    return Principal(Subject.user("alice"), "Alice", roles, direct, scopes)


@given(ROLES, PERMISSIONS, PERMISSIONS, st.fixed_dictionaries({"x": PERMISSIONS, "y": PERMISSIONS}))
def test_effective_is_union_cut_by_scopes(roles, direct, scopes, bundles) -> None:  # type: ignore[no-untyped-def]
    """A right is effective exactly when a role or the person holds it and a scope covers it."""
    effective = principal(roles, direct, scopes).effective_permissions(bundles)
    held = set(direct).union(*(bundles[r] for r in roles))
    for right in EVERY_RIGHT:
        expected = any(h.covers(right) for h in held) and any(s.covers(right) for s in scopes)
        assert any(e.covers(right) for e in effective) == expected


@given(ROLES, PERMISSIONS, PERMISSIONS, st.fixed_dictionaries({"x": PERMISSIONS, "y": PERMISSIONS}))
def test_no_effective_permission_covers_another(roles, direct, scopes, bundles) -> None:  # type: ignore[no-untyped-def]
    """The list handed to services is minimal."""
    effective = principal(roles, direct, scopes).effective_permissions(bundles)
    assert not any(p != q and p.covers(q) for p in effective for q in effective)


def test_a_role_counts_only_when_a_scope_names_it() -> None:
    """Scopes narrow roles too: `role:admin` or a pattern over it."""
    both = frozenset({"admin", "user"})
    assert principal(both, frozenset(), frozenset({ANYTHING})).active_roles() == both
    assert principal(both, frozenset(), frozenset({Permission.parse("role:admin")})).active_roles() == {
        "admin"
    }
    assert (
        principal(both, frozenset(), frozenset({Permission.parse("product:*")})).active_roles() == frozenset()
    )


def test_a_role_that_no_policy_defines_gives_nothing() -> None:
    """An unknown role bundles no permission."""
    assert (
        principal(frozenset({"ghost"}), frozenset(), frozenset({ANYTHING})).effective_permissions({})
        == frozenset()
    )
