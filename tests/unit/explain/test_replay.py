"""Replayed calls: what was in force changes nothing, and another plan changes exactly what it decides otherwise."""

from __future__ import annotations

import json
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.access import (
    Access,
    Allow,
    Decision,
    Evidence,
    Invalid,
    InvalidBecause,
    Missing,
    Profile,
    Proven,
    TokenKind,
    decide,
)
from sumun.answers.translate import write_refusal
from sumun.config.calls import Call, NotServed, rule_of, serve
from sumun.config.plan import Client, ClientKind, Plan
from sumun.explain import changed_calls
from sumun.explain import replay as replaying
from sumun.explain.changed_calls import ChangedCalls
from sumun.explain.logged import LoggedCall, decode_line
from sumun.explain.replay import Changed, Kind, Later, NotReplayed, Outcome, Replay, outcome_of
from sumun.identity import ANYTHING, Permission, Principal, Subject
from sumun.node.calls.replayed_callers import ReplayedCallers
from tests.unit.explain.test_differences import ASKED, EMPTY, PLAN, READ, WRITE
from tests.unit.explain.test_logged import fields

APP = Client(
    "app", ClientKind.PUBLIC, frozenset({"password"}), None, True, (), (ANYTHING,), (), (), TokenKind.OPAQUE, 900
)  # fmt: skip
PLANS = PLAN.map(lambda plan: replace(plan, clients=MappingProxyType({"app": APP})))
RIGHTS = st.frozensets(st.sampled_from([READ, WRITE]))
PROFILES = st.builds(
    Profile,
    st.sampled_from(TokenKind),
    st.frozensets(st.sampled_from(["user", "other"])),
    RIGHTS,
    st.sampled_from([frozenset({ANYTHING}), frozenset({READ}), frozenset({Permission("role", "user")})]),
    st.booleans(),
)
CREDENTIALS = PROFILES | st.just(Missing()) | st.builds(Invalid, st.sampled_from(InvalidBecause))
CALLS = st.builds(Call, st.sampled_from(["GET", "PUT"]), st.sampled_from(ASKED), st.just(""), st.booleans())


def evidence_of(credential: Profile | Missing | Invalid) -> Evidence:
    """What a live token would prove."""
    if not isinstance(credential, Profile):
        return credential
    held = (credential.roles, credential.permissions, credential.scopes)
    return Proven(Principal(Subject.user("bob"), "", *held, "app"), credential.kind, 1e9)


def decided(plan: Plan, call: Call, credential: Profile | Missing | Invalid) -> Decision | NotServed:
    """What the gateway does with a call, by what serves live ones."""
    route = serve(plan.routes, call)
    if isinstance(route, NotServed):
        return route
    return decide(rule_of(route), evidence_of(credential), plan.roles, internal=call.internal)


def logged(plan: Plan, call: Call, credential: Profile | Missing | Invalid) -> LoggedCall:
    """The line that the gateway writes of it."""
    found, route = decided(plan, call, credential), serve(plan.routes, call)
    line: dict[str, Any] = {
        "m": call.method,
        "path": call.path,
        "lst": "internal" if call.internal else "public",
    }
    if isinstance(route, NotServed) or isinstance(found, NotServed):
        assert isinstance(route, NotServed)
        code = "method_not_allowed" if route.status == 405 else "route_not_found"
        return one(**line, be="refuse", st=route.status, code=code)
    looked = route.access is Access.PROTECTED
    line |= {"be": f"{'ask' if looked else 'open'}.{route.service}", "st": 200, "route": route.id}
    if looked and isinstance(credential, Profile):
        line |= {"who": "user:bob", "client": "app", "held": credential.text}
    if not isinstance(found, Allow):
        told = write_refusal(found)
        line |= {"st": told["status"], "code": told["code"], "why": told.get("why", "-")}
    return one(**line)


def one(**changes: Any) -> LoggedCall:
    """A line of these fields, as bytes and back."""
    return decode_line(json.dumps(fields() | {"code": "-"} | changes).encode())


def replay_of(plan: Plan) -> Replay:
    """A replay that knows no data folder."""
    return Replay(plan, ReplayedCallers(plan))


@given(PLANS, st.lists(st.tuples(CALLS, CREDENTIALS), min_size=1, max_size=10))
def test_what_was_in_force_changes_nothing(
    plan: Plan, calls: list[tuple[Call, Profile | Missing | Invalid]]
) -> None:
    """Every call that the gateway decided under a plan is decided so again, whoever called with whatever."""
    replay = replay_of(plan)
    assert [replay.judge(logged(plan, *each)) for each in calls] == [None] * len(calls)


@given(PLANS, PLANS, CALLS, CREDENTIALS)
def test_exactly_what_changes_is_told(
    old: Plan, new: Plan, call: Call, credential: Profile | Missing | Invalid
) -> None:
    """A call is told when the other plan decides it in another way, and when nobody can tell who called; else not."""
    judged = replay_of(new).judge(logged(old, call, credential))
    was, now = decided(old, call, credential), decided(new, call, credential)
    before, after = serve(old.routes, call), serve(new.routes, call)
    looked = not isinstance(before, NotServed) and before.access is Access.PROTECTED
    if not isinstance(after, NotServed) and after.access is Access.PROTECTED and not looked:
        assert isinstance(judged, Changed)
        assert judged.becomes.kind is Kind.UNKNOWN
    elif heard(was) == heard(now):
        assert judged is None
    else:
        assert isinstance(judged, Changed)
        assert (judged.was.kind, judged.becomes.kind) == (kind_of(was), kind_of(now))


def heard(outcome: Decision | NotServed) -> object:
    """What the caller is told of it."""
    if isinstance(outcome, Allow):
        return True
    return outcome.status if isinstance(outcome, NotServed) else write_refusal(outcome)["code"]


def kind_of(outcome: Decision | NotServed) -> Kind:
    """Allowed or refused."""
    return Kind.ALLOWED if isinstance(outcome, Allow) else Kind.REFUSED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lst": "operator", "be": "pages"}, "sumun answered it itself"),
        ({"be": "own"}, "sumun answered it itself"),
        ({"be": "preflight.shop", "st": 204, "m": "OPTIONS"}, "a browser asked before it called"),
        ({"be": "preflight.shop", "st": 403, "code": "cross_origin_not_allowed"}, "whoever called"),
        ({"code": "bad_header", "st": 400, "be": "refuse"}, "400 bad_header"),
        (
            {"code": "too_many_requests", "st": 429, "be": "known.shop", "who": "user:bob"},
            "a limit was reached",
        ),
        ({"code": "decision_unavailable", "st": 503, "be": "ask.shop"}, "nobody could decide"),
        ({"be": "ask.shop", "st": -1}, "ended before it was decided"),
        ({"be": "public", "st": 408}, "ended before it was decided"),
        ({"be": "open.shop", "path": "/" + "x" * 1499}, "only the beginning"),
    ],
)
def test_what_cannot_be_replayed_is_named(changes: dict[str, Any], reason: str) -> None:
    """A call that no configuration decides, or of which too little is known, is counted under its reason."""
    found = outcome_of(one(**changes))
    assert isinstance(found, NotReplayed)
    assert reason in found.reason


def test_a_service_that_fails_was_not_a_refusal() -> None:
    """What a service answers, or does not, says nothing about the decision."""
    for status in (401, 403, 404, 502, 504):
        line = one(be="known.shop", who="user:bob", st=status)
        assert outcome_of(line) == Outcome(Kind.ALLOWED, "shop")


@given(PLANS)
def test_a_kept_call_is_explained_by_an_asked_one(plan: Plan) -> None:
    """A line that names the rights waits until a line has said them; then it is judged by them."""
    profile = Profile(TokenKind.OPAQUE, frozenset({"user"}), frozenset(), frozenset({ANYTHING}))
    asked = one(be="ask.shop", who="user:bob", client="app", held=profile.text, path="/a")
    kept = one(be="known.shop", who="user:eve", client="app", held=profile.id, path="/a")
    replay = replay_of(plan)
    first, second, third = replay.judge(kept), replay.judge(asked), replay.judge(kept)
    assert third == second
    assert isinstance(first, Later) or first == second


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More rights, or more sorts of change, than are kept apart cost no memory and lose no call."""
    monkeypatch.setattr(replaying, "MOST_SETTLED", 3)
    monkeypatch.setattr(changed_calls, "MOST_GROUPS", 2)
    monkeypatch.setattr(changed_calls, "MOST_CALLERS", 5)
    plan = replace(EMPTY, clients=MappingProxyType({"app": APP}))
    replay, found = replay_of(plan), ChangedCalls()
    for number in range(20):
        held = f"opaque;r{number};;*:*"
        line = one(be="ask.shop", who=f"user:u{number}", client="app", held=held, route=f"r{number % 5}")
        found.add(line, replay.judge(line))
    assert (found.calls, found.replayed, found.changed) == (20, 20, 20)
    assert sum(group["calls"] for group in found.groups_json()) == 20
    assert len(found.groups_json()) == 3
    assert "3 people or more" in found.groups_in_words()[0]
