"""Policy tests: tried by whoever loads a configuration, from its own file and from those beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.access import Access, Allow, Missing, Proven, Rule, TokenKind, decide
from sumun.config import ConfigProblemsError, load
from sumun.config.calls import STATUS_OF
from sumun.config.compile import compile_plan
from sumun.config.policy_test_settings import OUTCOMES
from sumun.config.yaml_reader import parse
from sumun.identity import ANYTHING, Permission, Principal, Subject
from tests.golden.kinds import CATALOGUE

SHOP = """\
services: {shop: {url: "http://127.0.0.1:9101"}}
roles: {user: ["product:read"], admin: ["product:*"]}
routes: [{path: /products, methods: [GET], service: shop, require: product:read}]
"""
HOLDS = "tests: [{name: read, as: {roles: [user]}, call: GET /products, expect: allow}]\n"
FAILS = "tests: [{name: strangers, as: nobody, call: GET /products, expect: allow}]\n"


def problems(path: Path) -> list[str]:
    """What is wrong, each with its place."""
    try:
        load(path, CATALOGUE)
    except ConfigProblemsError as error:
        return [f"{Path(one.place.file).name}:{one.place.line} {one.value}" for one in error.problems]
    return []


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A configuration with one test, which holds."""
    path = tmp_path / "sumun.yaml"
    path.write_text(SHOP + HOLDS)
    return path


def test_every_failure_of_every_file_is_told(shop: Path) -> None:
    """Tests of the file and of those beside it are tried together, and each that fails is told at its place."""
    shop.write_text(SHOP + FAILS)
    (shop.parent / "a.test.yaml").write_text(f"# more\n{FAILS}")
    (shop.parent / "b.test.yaml").write_text(HOLDS)
    (shop.parent / "c.test.yaml").write_text(
        "tests:\n" + "  - {name: x, as: nobody, call: GET /, expect: 401}\n" * 2
    )
    (shop.parent / "d.yaml").write_text(FAILS)
    (shop.parent / ".e.test.yaml").write_text(FAILS)
    assert problems(shop) == [
        "a.test.yaml:2 strangers",
        "c.test.yaml:2 x",
        "c.test.yaml:3 x",
        "sumun.yaml:4 strangers",
    ]


def test_all_hold(shop: Path) -> None:
    """A note says how many tests hold, so that nobody believes in tests that are not tried."""
    (shop.parent / "a.test.yaml").write_text(HOLDS)
    assert [note.text for note in load(shop, CATALOGUE).notes] == [
        "2 policy tests of 1 file beside and this one hold"
    ]


@pytest.mark.parametrize(
    "text", ["", "tests: {}", "services: {}", "- one", "tests: [", FAILS.replace("nobody", "me")]
)
def test_a_file_of_tests_that_is_wrong(shop: Path, text: str) -> None:
    """What is no file of tests is told, and never passed over."""
    (shop.parent / "a.test.yaml").write_text(text)
    assert problems(shop)
    assert all(one.startswith("a.test.yaml") for one in problems(shop))


def test_a_folder_that_cannot_be_listed(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can tell whether there are tests, the configuration is refused: none is left out silently."""

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert problems(shop) == ["sumun.yaml:0 "]


@given(
    st.sets(st.sampled_from(["user", "admin"])),
    st.sampled_from(["product:read", "product:delete", "role:admin", "*:*"]),
    st.sampled_from(["product:read", "product:delete", "{role: admin}"]),
    st.sampled_from(["opaque", "jwt"]),
)
def test_exactly_what_decide_says_holds(roles: set[str], scope: str, require: str, kind: str) -> None:
    """Of all outcomes that a test can expect, the one that `decide()` gives holds, and every other fails."""
    text = SHOP.replace("require: product:read", f"require: {require}, tokens: [opaque]")
    as_ = f'{{roles: [{", ".join(sorted(roles))}], scopes: ["{scope}"], token: {kind}}}'
    held = []
    for outcome in OUTCOMES:
        test = f"tests: [{{name: x, as: {as_}, call: GET /products, expect: {outcome}}}]\n"
        try:
            plan = compile_plan(parse((text + test).encode(), "x.yaml", Path("/")), CATALOGUE)
        except ConfigProblemsError:
            continue
        held.append(outcome)
        who = Principal(
            Subject.user("x"), "", frozenset(roles), frozenset(), frozenset({Permission.parse(scope)})
        )
        (route,) = plan.routes
        rule = Rule("x", Access.PROTECTED, route.requirement, route.kinds)
        decision = decide(rule, Proven(who, TokenKind(kind), 1e9), plan.roles)
        assert outcome == ("allow" if isinstance(decision, Allow) else str(STATUS_OF[decision.reason]))
    assert len(held) == 1


def test_nobody_is_nobody() -> None:
    """`as: nobody` is a call without a credential, and `as: {}` one by somebody who holds nothing."""
    assert isinstance(decide(Rule("x", Access.PUBLIC), Missing(), {}), Allow)
    text = SHOP.replace(", require: product:read", "")
    for as_, outcome in (("nobody", 401), ("{}", "allow")):
        test = f"tests: [{{name: x, as: {as_}, call: GET /products, expect: {outcome}}}]\n"
        compile_plan(parse((text + test).encode(), "x.yaml", Path("/")), CATALOGUE)
    assert ANYTHING.covers(Permission("a", "b"))
