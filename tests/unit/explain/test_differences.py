"""What another configuration changes: nothing is kept silent, and nothing is made up."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from sumun.access import Access, Allow, HasPermission, HasRole, Proven, TokenKind, decide
from sumun.config.calls import Call, NotServed, rule_of, serve
from sumun.config.paths import parse_path
from sumun.config.plan import Client, ClientKind, Plan, Rate, Route
from sumun.explain.differences import differences
from sumun.identity import ANYTHING, Permission, Principal, Subject
from tests.unit.haproxy.plans import plan, route, service

READ, WRITE = Permission("a", "read"), Permission("a", "write")
PATHS = ("/", "/a", "/{x}", "/a/b", "/a/{x}", "/{x}/b", "/a/**", "/**", "/a/b/**")
ASKED = ("/", "/a", "/z", "/a/b", "/a/z", "/z/b", "/z/z", "/a/b/c", "/a/z/c", "/z/z/z")
EMPTY = plan(8080, [service("shop", 9101)], [])
ROUTE = st.builds(
    lambda path, method, requirement, access: route(
        f"{path} {method}", path, "shop", method, access=access, requirement=requirement
    ),
    st.sampled_from(PATHS),
    st.sampled_from(["GET", "PUT"]),
    st.sampled_from([HasPermission(READ), HasPermission(WRITE), HasRole("user")]),
    st.sampled_from([Access.PROTECTED, Access.PROTECTED, Access.PUBLIC, Access.INTERNAL]),
)


def _distinct(one: Route) -> object:
    return parse_path(one.path).shape, one.methods


PLAN = st.builds(
    lambda routes, user: replace(
        EMPTY, routes=tuple(routes), roles=MappingProxyType({"user": user, "other": frozenset()})
    ),
    st.lists(ROUTE, max_size=5, unique_by=_distinct),
    st.sampled_from([frozenset(), frozenset({READ}), frozenset({READ, WRITE})]),
)


def may(under: Plan, call: Call, role: str) -> bool:
    """Whether the holder of a role may make a call, by what serves live calls."""
    found = serve(under.routes, call)
    if isinstance(found, NotServed):
        return False
    who = Principal(Subject.user("x"), "", frozenset({role}), frozenset(), frozenset({ANYTHING}))
    decision = decide(rule_of(found), Proven(who, TokenKind.OPAQUE, 1e9), under.roles, internal=call.internal)
    return isinstance(decision, Allow)


@given(PLAN, PLAN)
def test_no_change_is_silent(old: Plan, new: Plan) -> None:
    """When a call of anybody is decided in another way, something is told."""
    calls = [Call(m, p, internal=i) for m, p, i in product(("GET", "PUT"), ASKED, (False, True))]
    changed = [c for c in calls if any(may(old, c, role) != may(new, c, role) for role in ("user", "other"))]
    assert differences(old, new) or not changed


@given(PLAN, PLAN)
def test_what_is_told_of_a_role_is_so(old: Plan, new: Plan) -> None:
    """A call that a role is told to gain or lose is decided so, before and after."""
    for one in differences(old, new):
        if not one.about.startswith("the role ") or " call " not in one.change:
            continue
        gains = one.change.startswith("may now call ")
        told = one.change.split(" call ")[1].replace(" and ", ", ").split(", ")
        for method, shape in (call.split(" ") for call in told):
            path = shape.replace("{..}", "~any~").replace("/**", "/q" * 40)
            before, after = (may(side, Call(method, path), one.about.split()[-1]) for side in (old, new))
            assert (before, after) == (not gains, gains), one


@given(PLAN)
def test_the_same_changes_nothing(same: Plan) -> None:
    """A plan differs in nothing from itself, in whatever order its routes are written."""
    assert differences(same, replace(same, routes=same.routes[::-1])) == ()


def test_how_often() -> None:
    """A limit or a quota that comes, goes or changes is told, and of whom or of what it is."""
    rate = Rate(10, 3_600_000, 10)
    client = Client(
        *("batch", ClientKind.CONFIDENTIAL, frozenset({"client_credentials"}), None, False),
        *((), (), (), (), TokenKind.OPAQUE, 900),
    )
    old = replace(EMPTY, routes=(route("a", "/a", "shop", "GET"),), clients={"batch": client})
    new = replace(
        old,
        routes=(replace(old.routes[0], limit=rate),),
        limits=replace(old.limits, per_source=rate, per_person=replace(rate, per_ms=1000), per_client=rate),
        clients={"batch": replace(client, quota=5)},
    )
    assert [str(one) for one in differences(old, new)] == [
        "one address may call 10/hour; before, without a limit",
        "one person may call 10/s; before, without a limit",
        "one client may call 10/hour; before, without a limit",
        "GET /a may be called 10/hour by one caller; before, without a limit",
        "the client batch may call 5 times a day; before, without a quota",
    ]
    assert len(differences(new, old)) == 5
    assert differences(new, new) == ()
