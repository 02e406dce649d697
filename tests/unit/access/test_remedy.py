"""The smallest change that would allow a refused call: it flips `decide()`, and no part of it does."""

from __future__ import annotations

from hypothesis import given
from msgspec import structs

from sumun.access import (
    Access,
    AllOf,
    Allow,
    AnyOf,
    HasPermission,
    HasRole,
    Proven,
    Reason,
    Refuse,
    Rule,
    TokenKind,
    decide,
)
from sumun.access.remedy import Remedy, remedy_for, roles_that_would_do
from sumun.identity import ANYTHING, Permission, Principal, Subject
from tests.unit.access.test_decide import BUNDLES, PROVEN, RULE

READ, DELETE = Permission("product", "read"), Permission("product", "delete")
SHOP = {"admin": frozenset({Permission("product", "*")}), "user": frozenset({READ})}


def caller(
    roles: frozenset[str] = frozenset(),
    permissions: frozenset[Permission] = frozenset(),
    scopes: frozenset[Permission] = frozenset({ANYTHING}),
    kind: TokenKind = TokenKind.OPAQUE,
) -> Proven:
    """bob with these."""
    return Proven(Principal(Subject.user("bob"), "Bob", roles, permissions, scopes), kind, 1e10)


@given(RULE, PROVEN, BUNDLES)
def test_it_flips_the_decision_and_no_part_of_it_does(
    rule: Rule, evidence: Proven, bundles: dict[str, frozenset[Permission]]
) -> None:
    """Applied, the call is allowed; with any one thing of it left out (so with any part of it), it is refused."""
    before = decide(rule, evidence, bundles)
    remedy = remedy_for(rule, evidence, bundles)
    if isinstance(before, Allow) or before.reason is Reason.NOT_INTERNAL or before.because:
        assert remedy is None
        return
    if not rule.kinds:
        assert remedy is None
        return
    assert remedy is not None
    assert len(remedy) > 0
    assert isinstance(decide(rule, remedy.applied_to(evidence), bundles), Allow)
    for part in remedy.without_one():
        assert isinstance(decide(rule, part.applied_to(evidence), bundles), Refuse), part


@given(RULE, PROVEN, BUNDLES)
def test_each_role_named_would_do_alone(
    rule: Rule, evidence: Proven, bundles: dict[str, frozenset[Permission]]
) -> None:
    """A role that is named allows the call when it alone is given."""
    for role in roles_that_would_do(rule, evidence, bundles):
        given_it = Remedy(roles=frozenset({role})).applied_to(evidence)
        assert isinstance(decide(rule, given_it, bundles), Allow)
        assert isinstance(decide(rule, evidence, bundles), Refuse)


def test_a_permission_rather_than_a_role() -> None:
    """For one permission that permission is named; a role that bundles it stands beside it."""
    rule = Rule("r", requirement=HasPermission(DELETE))
    bob = caller(roles=frozenset({"user"}))
    assert remedy_for(rule, bob, SHOP) == Remedy(permissions=frozenset({DELETE}))
    assert roles_that_would_do(rule, bob, SHOP) == ("admin",)


def test_a_scope_that_cuts_down_is_named() -> None:
    """Who holds the right and comes with a token that is cut down needs another scope and nothing else."""
    rule = Rule("r", requirement=HasPermission(DELETE))
    bob = caller(roles=frozenset({"admin"}), scopes=frozenset({READ}))
    assert remedy_for(rule, bob, SHOP) == Remedy(scopes=frozenset({DELETE}))


def test_what_a_needed_role_brings_is_not_named_again() -> None:
    """A permission that the role bundles is no part of the change when the route asks for the role too."""
    rule = Rule("r", requirement=AllOf((HasPermission(DELETE), HasRole("admin"))))
    assert remedy_for(rule, caller(), SHOP) == Remedy(roles=frozenset({"admin"}))


def test_the_shorter_way_counts_what_scopes_ask_too() -> None:
    """Of two ways with one missing right each, the one that needs no other scope is smaller."""
    rule = Rule("r", requirement=AnyOf((HasPermission(DELETE), HasRole("user"))))
    bob = caller(scopes=frozenset({Permission("role", "user")}))
    assert remedy_for(rule, bob, SHOP) == Remedy(roles=frozenset({"user"}))


def test_another_kind_of_token() -> None:
    """A route for JWTs is reached with a JWT, and with what it requires."""
    rule = Rule("r", requirement=HasPermission(DELETE), kinds=frozenset({TokenKind.JWT}))
    assert remedy_for(rule, caller(), SHOP) == Remedy(permissions=frozenset({DELETE}), kind=TokenKind.JWT)


def test_a_token_for_another_service_has_no_remedy() -> None:
    """Nothing that a caller holds makes a token for one service one for another."""
    bob = caller(roles=frozenset({"admin"}))
    to = structs.replace(bob.principal, audience=frozenset({"https://b.example"}))
    elsewhere = structs.replace(bob, principal=to)
    assert remedy_for(Rule("r", audience="https://a.example"), elsewhere, SHOP) is None


def test_an_internal_route_has_no_remedy() -> None:
    """Nothing that a caller holds opens an internal route from elsewhere."""
    assert remedy_for(Rule("r", access=Access.INTERNAL), caller(), SHOP) is None
