"""An explanation tells the decision that was made, and never makes one of its own."""

from __future__ import annotations

import shlex
from dataclasses import replace
from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from sumun.access import Allow, Evidence, Missing, Proven, Refuse, Rule, decide
from sumun.access.remedy import Remedy
from sumun.config.calls import Call
from sumun.explain.caller import Caller, Shown
from sumun.explain.explanation import Explanation, explain
from sumun.explain.rights import held_rights
from sumun.explain.words import in_words
from sumun.identity import Permission, Principal
from tests.unit.access.test_decide import BUNDLES, EVIDENCE, PRINCIPAL, RULE
from tests.unit.haproxy.plans import plan, route, service

A_PLAN = plan(8080, [service("shop", 9101)], [route("products", "/products", "shop")])


def explained(
    rule: Rule, evidence: Evidence, bundles: dict[str, frozenset[Permission]], *, internal: bool
) -> Explanation:
    """GET /products under this rule by whoever this is."""
    its = replace(
        A_PLAN.routes[0],
        access=rule.access,
        requirement=rule.requirement,
        kinds=rule.kinds,
        audience=rule.audience,
    )
    under = replace(A_PLAN, routes=(its,), roles=MappingProxyType(bundles))
    return explain(under, Call("GET", "/products", internal=internal), Caller("x", evidence, Shown.TOKEN))


@given(RULE, EVIDENCE, BUNDLES, st.booleans())
def test_it_is_the_decision_of_decide(
    rule: Rule,
    evidence: Evidence,
    bundles: dict[str, frozenset[Permission]],
    internal: bool,
) -> None:
    """Whatever the rule and the caller, the decision told is the one that `decide()` makes, and it can be said."""
    one = explained(rule, evidence, bundles, internal=internal)
    if one.decision is None:
        assert one.status == 404  # an internal route from elsewhere does not exist
    else:
        its = replace(rule, route_id="products")
        assert one.decision == decide(its, evidence, bundles, internal=internal)
    assert all(line == line.rstrip() and "\n" not in line for line in in_words(one))


@given(RULE, EVIDENCE, BUNDLES)
def test_the_command_makes_the_change(
    rule: Rule, evidence: Evidence, bundles: dict[str, frozenset[Permission]]
) -> None:
    """What the command for a person gives is what the remedy names, so that running it flips the decision."""
    one = explained(rule, evidence, bundles, internal=False)
    if (
        not isinstance(one.decision, Refuse)
        or one.remedy is None
        or one.cure is None
        or not one.cure.commands
    ):
        return
    assert isinstance(evidence, Proven)
    words = shlex.split(one.cure.commands[0])
    assert words[:4] == ["sumun", "user", "grant", "alice"]
    given_by = dict[str, set[str]]({"--role": set(), "--permission": set()})
    for option, value in zip(words[4::2], words[5::2], strict=True):
        given_by[option].add(value)
    change = Remedy(
        frozenset(given_by["--role"]),
        frozenset(map(Permission.parse, given_by["--permission"])),
        one.remedy.scopes,
        one.remedy.kind,
    )
    assert isinstance(decide(rule, change.applied_to(evidence), bundles), Allow)


@given(PRINCIPAL, BUNDLES)
def test_the_rights_add_up(who: Principal, bundles: dict[str, frozenset[Permission]]) -> None:
    """What is left of all rights together is what the caller effectively holds."""
    left = {permission for right in held_rights(who, bundles) for permission in right.left}
    effective = who.effective_permissions(bundles)
    assert effective <= left
    assert all(any(one.covers(permission) for one in effective) for permission in left)


def test_the_nearest_path_is_for_the_method() -> None:
    """A path with a slip in it is told of the route that was meant: of several at one path, the one for the method."""
    routes = [route(f"{method} it", "/products", "shop", method) for method in ("GET", "POST", "DELETE")]
    under = replace(A_PLAN, routes=tuple(routes))
    for method in ("GET", "POST", "DELETE"):
        nearest = explain(under, Call(method, "/prodcts"), Caller("x", Missing(), Shown.NOTHING)).nearest
        assert nearest is not None
        assert nearest.id == f"{method} it"
