"""Callers of the log under another plan: what a file changes for them, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from sumun.access import Evidence, Invalid, InvalidBecause, Profile, Proven
from sumun.config.compile import compile_plan
from sumun.config.plan import Plan
from sumun.config.yaml_reader import parse
from sumun.directory import LOCAL, Directory, Held, NewUser, Occasion
from sumun.explain.logged import read_line
from sumun.explain.replay import NotReplayed, Unknown
from sumun.node.calls.replayed_callers import ReplayedCallers
from tests.contracts.occasions import client
from tests.golden.kinds import CATALOGUE
from tests.unit.explain.test_logged import fields

YAML = b"""\
services: {shop: {url: "http://127.0.0.1:9101"}}
roles: {user: ["product:read"]}
routes: [{path: /, service: shop}]
clients:
  - {id: app, kind: public, first_party: true, grants: [password], scopes: ["product:*"], may_ask_for: [jwt]}
  - {id: batch, kind: confidential, secret: "env:B", grants: [client_credentials], roles: [user]}
"""


@pytest.fixture(scope="module")
def plan() -> Plan:
    """One client for people, one for itself."""
    return compile_plan(parse(YAML, "x.yaml", PurePosixPath("/etc/sumun")), CATALOGUE)


def held(evidence: Evidence | NotReplayed | Unknown) -> str:
    """What somebody holds, as a profile's text."""
    assert isinstance(evidence, Proven)
    return Profile.of(evidence).text


@pytest.mark.parametrize(
    ("who", "through", "was", "now"),
    [
        ("user:bob", "app", "opaque;admin;;product:read", "opaque;admin;;product:read"),
        ("user:bob", "app", "opaque;admin;;*:*", "opaque;admin;;product:*"),
        ("user:bob", "app", "jwt;admin;;*:*", "jwt;admin;;*:*"),
        ("client:batch", "batch", "opaque;;order:read;*:*", "opaque;user;;*:*"),
        ("client:batch", "batch", "jwt;;order:read;*:*", "jwt;user;;*:*"),
        ("client:batch", "batch", "opaque;;order:read;*:*;own", "opaque;;order:read;*:*;own"),
    ],
)
def test_what_a_caller_holds_under_another_plan(
    plan: Plan, who: str, through: str, was: str, now: str
) -> None:
    """A person what they held, cut to what the client may carry; a client what the plan gives it."""
    assert held(ReplayedCallers(plan).held(who, through, Profile.parse(was))) == now


def test_a_client_that_is_gone(plan: Plan, directory: Directory) -> None:
    """Without a data folder nobody knows whether it is registered; with one its tokens are refused, or as they were."""
    profile = Profile.parse("opaque;user;;*:*")
    alone, knowing = ReplayedCallers(plan), ReplayedCallers(plan, directory)
    assert isinstance(alone.held("user:bob", "gone", profile), Unknown)
    assert knowing.held("user:bob", "gone", profile) == Invalid(InvalidBecause.CLIENT_DISABLED)
    assert held(knowing.held("user:bob", "partner", profile)) == profile.text


def test_a_line_that_does_not_say(plan: Plan, directory: Directory) -> None:
    """An older line is judged by the directory of today, or named as what cannot be replayed."""
    (route,) = plan.routes
    line = read_line(fields(who="user:bob", client="app", be="ask.shop", code="-"))
    gone = read_line(fields(who="user:nobody", client="app", be="ask.shop", code="-"))
    assert isinstance(ReplayedCallers(plan).unsaid(line, route), NotReplayed)
    knowing = ReplayedCallers(plan, directory)
    assert held(knowing.unsaid(line, route)) == "opaque;user;;product:*"
    assert isinstance(knowing.unsaid(gone, route), NotReplayed)


def test_a_line_that_names_nobody(plan: Plan) -> None:
    """What is no subject of ours is not replayed."""
    profile = Profile.parse("opaque;;;*:*")
    assert isinstance(ReplayedCallers(plan).held("root", "app", profile), NotReplayed)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    """Bob with the role user, and a registered client."""
    occasion = Occasion("cli:test", 1_000_000, 900)
    with Directory.open(tmp_path_factory.mktemp("replay") / "sumun.db") as found:
        found.users.add(
            NewUser("bob", "bob", LOCAL, Held(frozenset({"user"}), frozenset()), None), (), occasion
        )
        found.clients.add(client("partner"), (), occasion)
        yield found
