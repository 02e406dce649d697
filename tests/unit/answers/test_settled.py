"""What is settled once for a profile: it must be what would have been decided for each."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sumun.access import (
    Access,
    AllOf,
    Allow,
    AnyOf,
    HasPermission,
    HasRole,
    Policy,
    Proven,
    Rule,
    TokenKind,
    decide,
)
from sumun.access.handover import rights_of
from sumun.answers.settled import SettledOnce
from sumun.identity import ANYTHING, Permission, Principal, Subject

PERMISSIONS = [Permission.parse(text) for text in ("a:read", "a:write", "b:read", "a:*", "*:*", "role:admin")]
ROLES = ["admin", "user", "ghost"]
LEAVES = st.sampled_from([HasPermission(PERMISSIONS[0]), HasPermission(PERMISSIONS[2]), HasRole("admin")])
REQUIREMENTS = st.recursive(
    LEAVES,
    lambda parts: (
        st.lists(parts, min_size=1, max_size=3)
        .map(tuple)
        .flatmap(lambda some: st.sampled_from([AllOf(some), AnyOf(some)]))
    ),
    max_leaves=4,
)
RIGHTS = st.tuples(
    st.frozensets(st.sampled_from(ROLES)),
    st.frozensets(st.sampled_from(PERMISSIONS[:5])),
    st.frozensets(st.sampled_from(PERMISSIONS), min_size=1),
)
SUBJECTS = st.sampled_from([Subject.user("bob"), Subject.user("alice"), Subject.client("batch")])


def policy_of(requirement: object, generation: int = 7) -> Policy:
    """One protected route with this requirement."""
    return Policy(
        generation=generation,
        rules={"list": Rule("list", Access.PROTECTED, requirement)},  # type: ignore[arg-type]
        bundles={"admin": frozenset({PERMISSIONS[3]}), "user": frozenset({PERMISSIONS[2]})},
        signed={},
        kept={"list": ("shop", "1")},
    )


@given(
    REQUIREMENTS, st.lists(st.tuples(RIGHTS, SUBJECTS, st.sampled_from(TokenKind)), min_size=1, max_size=6)
)
def test_settled_is_what_would_be_decided_for_each(requirement, callers) -> None:
    """Whoever asked before, the decision and the headers are those of this very caller."""
    policy, once = policy_of(requirement), SettledOnce()
    rule = policy.rules["list"]
    for number, ((roles, permissions, scopes), subject, kind) in enumerate(callers):
        who = Principal(
            subject, f"Name {number}", roles, permissions, scopes, f"app-{number}", f"tid_{number}"
        )
        proven = Proven(who, kind, 200.0 + number, number)
        settled = once.of(policy, rule, proven, internal=False)
        assert settled.decision == decide(rule, proven, policy.bundles)
        assert (settled.verdict is not None) == isinstance(settled.decision, Allow)
        if isinstance(settled.decision, Allow):
            assert settled.rights == "|{}|{}".format(*rights_of(who, policy.bundles))


def test_a_token_for_another_service_is_another_profile() -> None:
    """What was settled for one who holds the same in a token for this service says nothing of a token for another."""
    rule = Rule("list", audience="https://a.example")
    policy = dataclasses.replace(policy_of(HasPermission(PERMISSIONS[2])), rules={"list": rule})
    once = SettledOnce()
    for audience, allowed in ((), True), (("https://a.example",), True), (("https://b.example",), False):
        who = Principal(
            Subject.user("bob"),
            "",
            frozenset({"user"}),
            frozenset(),
            frozenset({ANYTHING}),
            audience=frozenset(audience),
        )
        settled = once.of(policy, rule, Proven(who, TokenKind.OPAQUE, 2.0), internal=False)
        assert isinstance(settled.decision, Allow) == allowed
        assert (settled.verdict is not None) == allowed


def test_another_policy_under_the_same_number_is_not_confused() -> None:
    """What was settled under one policy says nothing of another, whatever its number."""
    bob = Proven(
        Principal(Subject.user("bob"), "Bob", frozenset({"user"}), frozenset(), frozenset({ANYTHING})),
        TokenKind.OPAQUE,
        200.0,
    )
    once = SettledOnce()
    first, second = policy_of(HasPermission(PERMISSIONS[2])), policy_of(HasRole("admin"))
    assert isinstance(once.of(first, first.rules["list"], bob, internal=False).decision, Allow)
    assert not isinstance(once.of(second, second.rules["list"], bob, internal=False).decision, Allow)


def test_a_changed_right_is_another_profile() -> None:
    """A role that was taken away is refused although the caller was allowed before."""
    policy, once = policy_of(HasPermission(PERMISSIONS[2])), SettledOnce()
    rule = policy.rules["list"]
    who = Principal(Subject.user("bob"), "Bob", frozenset({"user"}), frozenset(), frozenset({ANYTHING}))
    assert isinstance(
        once.of(policy, rule, Proven(who, TokenKind.OPAQUE, 2.0), internal=False).decision, Allow
    )
    less = replace(who, roles=frozenset())
    assert not isinstance(
        once.of(policy, rule, Proven(less, TokenKind.OPAQUE, 2.0), internal=False).decision, Allow
    )


def test_what_is_settled_has_an_end() -> None:
    """More profiles than there is room for are still answered right."""
    policy, once = policy_of(HasPermission(PERMISSIONS[2])), SettledOnce(most=2)
    for role in ("user", "ghost", "a", "b", "user"):
        who = Principal(Subject.user("bob"), "", frozenset({role}), frozenset(), frozenset({ANYTHING}))
        settled = once.of(policy, policy.rules["list"], Proven(who, TokenKind.JWT, 2.0), internal=False)
        assert isinstance(settled.decision, Allow) == (role == "user")
