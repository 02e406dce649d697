"""decide(): against a slow, obvious oracle."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sumun.access import (
    ALWAYS,
    Access,
    AllOf,
    Allow,
    AnyOf,
    Bound,
    HasPermission,
    HasRole,
    Invalid,
    InvalidBecause,
    Missing,
    Proven,
    Reason,
    Refuse,
    Requirement,
    Rule,
    TokenKind,
    decide,
    is_met,
)
from sumun.identity import ANYTHING, Permission, Principal, Subject

SIDE = st.sampled_from(["*", "a", "b"])
SERVICE = st.sampled_from(["https://a.example", "https://b.example", "urn:c"])
PATTERN = st.builds(Permission, SIDE, SIDE)
PATTERNS = st.frozensets(PATTERN, max_size=3)
CONCRETE = st.builds(Permission, st.sampled_from("ab"), st.sampled_from("ab"))
ROLE = st.sampled_from(["x", "y"])
LEAF = st.builds(HasPermission, CONCRETE) | st.builds(HasRole, ROLE)
REQUIREMENT: st.SearchStrategy[Requirement] = st.recursive(
    LEAF | st.just(ALWAYS),
    lambda inner: (
        st.builds(AllOf, st.lists(inner, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple))
    ),
    max_leaves=6,
)
BUNDLES = st.fixed_dictionaries({"x": PATTERNS, "y": PATTERNS})
PRINCIPAL = st.builds(
    Principal,
    st.just(Subject.user("alice")),
    st.just("Alice"),
    st.frozensets(ROLE),
    PATTERNS,
    PATTERNS | st.just(frozenset({ANYTHING})),
    audience=st.frozensets(SERVICE, max_size=2),
)
PROVEN = st.builds(Proven, PRINCIPAL, st.sampled_from(TokenKind), st.just(1e10))
EVIDENCE = (
    st.just(Missing())
    | st.builds(Invalid, st.sampled_from(InvalidBecause))
    | PROVEN
    | st.builds(Bound, PROVEN)
)
RULE = st.builds(
    Rule,
    st.just("r"),
    st.sampled_from(Access),
    REQUIREMENT,
    st.frozensets(st.sampled_from(TokenKind), min_size=1),
    st.none() | SERVICE,
)


def holds(leaf: HasPermission | HasRole, who: Principal, bundles: dict[str, frozenset[Permission]]) -> bool:
    """The oracle for one leaf, written from the words of the mission, not from the code."""
    if isinstance(leaf, HasRole):
        return leaf.role in who.roles and any(
            s.resource in ("*", "role") and s.action in ("*", leaf.role) for s in who.scopes
        )
    wanted = leaf.permission
    held = list(who.permissions) + [p for r in who.roles for p in bundles[r]]

    def fits(p: Permission) -> bool:
        return p.resource in ("*", wanted.resource) and p.action in ("*", wanted.action)

    return any(map(fits, held)) and any(map(fits, who.scopes))


def oracle(need: Requirement, who: Principal, bundles: dict[str, frozenset[Permission]]) -> bool:
    """The oracle for a tree."""
    if isinstance(need, AllOf):
        return False not in [oracle(part, who, bundles) for part in need.parts]
    if isinstance(need, AnyOf):
        return True in [oracle(part, who, bundles) for part in need.parts]
    return holds(need, who, bundles)


@given(RULE, EVIDENCE, BUNDLES, st.booleans())
def test_decide_agrees_with_the_oracle(rule, evidence, bundles, internal) -> None:  # type: ignore[no-untyped-def]
    """Allowed exactly when the words of the mission allow it, and the reason is the first thing that was wrong."""
    decision = decide(rule, evidence, bundles, internal=internal)
    if rule.access is Access.PUBLIC:
        expected: object = Allow
    elif rule.access is Access.INTERNAL:
        expected = Allow if internal else Reason.NOT_INTERNAL
    elif isinstance(evidence, Missing):
        expected = Reason.NO_CREDENTIAL
    elif isinstance(evidence, Invalid) and "proof" in evidence.because:
        expected = Reason.INVALID_PROOF
    elif isinstance(evidence, Invalid) and "nonce" in evidence.because:
        expected = Reason.NONCE_WANTED
    elif isinstance(evidence, Invalid | Bound):
        expected = Reason.INVALID_TOKEN
    elif len(evidence.principal.audience) > 0 and rule.audience not in evidence.principal.audience:
        expected = Reason.INVALID_TOKEN
        assert isinstance(decision, Refuse)
        assert decision.because is InvalidBecause.WRONG_AUDIENCE
    elif evidence.kind not in rule.kinds:
        expected = Reason.WRONG_TOKEN_KIND
    elif oracle(rule.requirement, evidence.principal, bundles):
        expected = Allow
    else:
        expected = Reason.INSUFFICIENT_SCOPE
    assert (type(decision) if isinstance(decision, Allow) else decision.reason) == expected


@given(RULE, EVIDENCE, BUNDLES, st.booleans())
def test_what_is_named_missing_is_enough_and_not_too_much(rule, evidence, bundles, internal) -> None:  # type: ignore[no-untyped-def]
    """Holding what is named missing (with scopes wide open) flips the decision; holding less does not."""
    decision = decide(rule, evidence, bundles, internal=internal)
    if not (isinstance(decision, Refuse) and decision.reason is Reason.INSUFFICIENT_SCOPE):
        return
    assert decision.missing
    who = evidence.principal

    def granted(extra: frozenset[HasPermission | HasRole]) -> Proven:
        permissions = frozenset(m.permission for m in extra if isinstance(m, HasPermission))
        roles = frozenset(m.role for m in extra if isinstance(m, HasRole))
        scopes = permissions | {Permission("role", r) for r in roles}
        return Proven(
            Principal(
                who.subject,
                who.name,
                who.roles | roles,
                who.permissions | permissions,
                who.scopes | scopes,
                audience=who.audience,
            ),
            evidence.kind,
            evidence.expires_at,
        )

    empty: dict[str, frozenset[Permission]] = {"x": frozenset(), "y": frozenset()}
    if all(not bundles[r] for r in bundles) and not who.roles:
        # Without role bundles nothing else comes along with a role, so minimality can be told apart.
        for left_out in decision.missing:
            assert isinstance(decide(rule, granted(decision.missing - {left_out}), empty), Refuse)
    assert isinstance(decide(rule, granted(decision.missing), bundles), Allow)


@given(RULE, EVIDENCE, BUNDLES, st.booleans())
def test_same_key_same_decision(rule, evidence, bundles, internal) -> None:  # type: ignore[no-untyped-def]
    """Nothing but the arguments goes in, and a decision that says it varied on nothing may be kept."""
    first = decide(rule, evidence, bundles, internal=internal)
    assert first == decide(rule, evidence, bundles, internal=internal)
    assert first.varied == frozenset()


def test_an_empty_any_is_never_met() -> None:
    """AnyOf without parts refuses (the compiler does not let one through)."""
    who = Principal(Subject.user("a"), "A", frozenset(), frozenset({ANYTHING}), frozenset({ANYTHING}))
    assert not is_met(AnyOf(()), who, {})
