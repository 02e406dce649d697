"""Shadow rules in words, in the log, and as if they were in force."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from sumun.access import Proven, TokenKind
from sumun.access.shadow import ShadowSays
from sumun.config import load
from sumun.config.calls import Call
from sumun.config.plan import Plan
from sumun.explain.caller import Caller, Shown
from sumun.explain.differences import differences
from sumun.explain.explanation import explain
from sumun.explain.replay import Changed, Kind, NotReplayed
from sumun.explain.shadows import in_force, told_by
from sumun.explain.shapes import as_json
from sumun.explain.words import in_words
from sumun.identity import ANYTHING, Principal, Subject
from tests.golden.kinds import CATALOGUE
from tests.unit.explain.test_replay import one, replay_of

FILE = Path(__file__).parents[2] / "golden" / "config" / "shadow.yaml"


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Three routes with a shadow rule."""
    return load(FILE, CATALOGUE)


def caller(role: str, kind: TokenKind = TokenKind.OPAQUE) -> Caller:
    """Somebody with one role."""
    who = Principal(Subject.user("bob"), "", frozenset({role}), frozenset(), frozenset({ANYTHING}), "app")
    return Caller("bob", Proven(who, kind, 1e10), Shown.SUBJECT)


def test_an_explanation_tells_what_it_would_do(plan: Plan) -> None:
    """The decision is the route's; below it stands what the shadow rule asks and how it would decide otherwise."""
    said = explain(plan, Call("GET", "/products"), caller("user"))
    words = "\n".join(in_words(said))
    assert "decision  allow" in words
    assert "shadow    only reports: the permission product:list" in words
    assert "it would refuse (insufficient_scope: product:list)" in words
    assert as_json(said)["shadow"] == {"outcome": "insufficient_scope", "detail": "product:list"}
    let_in = explain(plan, Call("POST", "/products"), caller("user", TokenKind.JWT))
    assert "it would allow" in "\n".join(in_words(let_in))
    assert let_in.status == 403
    same = explain(plan, Call("GET", "/products"), caller("admin"))
    assert "it would" not in "\n".join(in_words(same))
    assert as_json(same)["shadow"] is None


def test_differences_tell_of_shadow_rules(plan: Plan) -> None:
    """A rule that comes, goes or changes is told as one that only reports, and nobody is said to gain or lose."""
    text = FILE.read_text()
    bare = text.replace(", shadow: {require: product:list}", "")
    assert bare != text
    other = text.replace("product:list", "product:delete")
    for new, words in (
        (bare, "has no shadow rule any more; it reported on the permission product:list"),
        (other, "which only reports: the permission product:delete; before, the permission product:list"),
    ):
        (said,) = map(str, differences(plan, compiled(new)))
        assert words in said


def compiled(text: str) -> Plan:
    """The plan of a text."""
    from sumun.config.compile import compile_plan
    from sumun.config.yaml_reader import parse

    return compile_plan(parse(text.encode(), "x.yaml", PurePosixPath("/etc/sumun")), CATALOGUE)


def test_what_a_line_says(plan: Plan) -> None:
    """A line with a shadow is a call that would have been decided otherwise; every other is not."""
    held = {"who": "user:bob", "client": "app", "held": "opaque;user;;*:*"}
    for be in ("ask.shop", "shadow.shop"):
        line = one(be=be, route="get-products", m="GET", shadow="insufficient_scope/product:list", **held)
        found = told_by(line)
        assert isinstance(found, Changed)
        assert (found.was.kind, found.becomes.kind) == (Kind.ALLOWED, Kind.REFUSED)
        assert str(found.becomes) == "refused (403 insufficient_scope: product:list)"
    refused = one(be="ask.shop", code="insufficient_scope", st=403, why="role:admin", shadow="allow", **held)
    found = told_by(refused)
    assert isinstance(found, Changed)
    assert (found.was.kind, found.becomes.kind) == (Kind.REFUSED, Kind.ALLOWED)
    assert told_by(one(be="known.shop", **held)) is None
    assert isinstance(
        told_by(one(be="shadow.shop", code="too_many_requests", shadow="x", **held)), NotReplayed
    )


def test_as_if_it_decided(plan: Plan) -> None:
    """`replay --shadow` foretells what the log of a gateway with the rule would say of the same call."""
    line = one(be="ask.shop", path="/products", who="user:bob", client="app", held="opaque;user;;*:*")
    assert replay_of(plan).judge(line) is None
    found = replay_of(in_force(plan)).judge(line)
    assert isinstance(found, Changed)
    says = ShadowSays.parse("insufficient_scope/product:list")
    assert (found.becomes.code, found.becomes.detail) == (says.outcome, says.detail)
