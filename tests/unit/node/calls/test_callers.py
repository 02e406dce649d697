"""Callers: what a client's token is taken to be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from sumun.access import TOKENS, Invalid, InvalidBecause, Proven, TokenKind
from sumun.config.compile import compile_plan
from sumun.config.plan import Plan
from sumun.config.yaml_reader import parse
from sumun.directory import LOCAL, Directory, Held, NewUser, Occasion
from sumun.directory.errors import UnknownClientError, UnknownUserError
from sumun.explain.logged import read_line
from sumun.identity import ANYTHING, Permission
from sumun.node.calls.callers import Callers
from tests.golden.kinds import CATALOGUE
from tests.unit.explain.test_logged import fields

BOTH, ONLY_JWT = TOKENS, frozenset({TokenKind.JWT})
YAML = b"""\
services: {shop: {url: "http://127.0.0.1:9101"}}
roles: {user: ["product:read"]}
routes: [{path: /, service: shop}]
clients:
  - {id: app, kind: public, first_party: true, grants: [password], scopes: ["product:*"], may_ask_for: [jwt]}
  - {id: old, kind: public, first_party: true, grants: [password]}
  - {id: batch, kind: confidential, secret: "env:B", grants: [client_credentials], roles: [user], token: jwt}
"""


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callers]:
    """A directory with bob, who holds one role and one permission, and gone, who is disabled."""
    occasion = Occasion("cli:test", 1_000_000, 900)
    with Directory.open(tmp_path_factory.mktemp("callers") / "sumun.db") as directory:
        held = Held(frozenset({"user"}), frozenset({Permission("order", "read")}))
        for name in ("bob", "gone"):
            directory.users.add(NewUser(name, name, LOCAL, held, None), (), occasion)
        directory.users.disable("gone", occasion)
        plan: Plan = compile_plan(parse(YAML, "x.yaml", PurePosixPath("/etc/sumun")), CATALOGUE)
        yield Callers(plan, directory)


@pytest.mark.parametrize(
    ("client", "kinds", "kind", "scope"),
    [
        (None, BOTH, TokenKind.OPAQUE, ANYTHING),
        (None, ONLY_JWT, TokenKind.JWT, ANYTHING),
        ("app", BOTH, TokenKind.OPAQUE, Permission("product", "*")),
        ("app", ONLY_JWT, TokenKind.JWT, Permission("product", "*")),
        ("old", ONLY_JWT, TokenKind.OPAQUE, ANYTHING),
        ("batch", BOTH, TokenKind.JWT, ANYTHING),
    ],
)
def test_a_person_comes_with_a_token_that_they_can_get(
    callers: Callers, client: str | None, kinds: frozenset[TokenKind], kind: TokenKind, scope: Permission
) -> None:
    """Of a kind that the route takes where the client gets one, with all that the client may carry, and no more."""
    evidence = callers.person("bob", kinds, client).evidence
    assert isinstance(evidence, Proven)
    assert (evidence.kind, evidence.principal.scopes) == (kind, frozenset({scope}))
    assert evidence.principal.roles == {"user"}
    assert evidence.principal.permissions == {Permission("order", "read")}


def test_who_is_disabled_proves_nothing(callers: Callers) -> None:
    """As for the gateway."""
    assert callers.person("gone", BOTH).evidence == Invalid(InvalidBecause.SUBJECT_DISABLED)


def test_a_client_for_itself(callers: Callers) -> None:
    """It holds what the configuration gives it; one without the grant is told to need it."""
    batch, app = callers.client("batch"), callers.client("app")
    assert isinstance(batch.evidence, Proven)
    assert batch.evidence.principal.roles == {"user"}
    assert not any("grant" in sentence for sentence in batch.assumed)
    assert any("client_credentials" in sentence for sentence in app.assumed)


def test_who_is_not_there(callers: Callers) -> None:
    """An unknown person or client is an error, not somebody who holds nothing."""
    with pytest.raises(UnknownUserError):
        callers.person("nobody", BOTH)
    with pytest.raises(UnknownClientError):
        callers.client("nobody")
    with pytest.raises(UnknownClientError):
        callers.person("bob", BOTH, "nobody")


@pytest.mark.parametrize(
    ("held", "scopes", "kind", "roles"),
    [
        ("opaque;admin;;product:read", {"product:read"}, TokenKind.OPAQUE, {"user"}),
        ("jwt;admin;;*:*", {"*:*"}, TokenKind.JWT, {"user"}),
        ("opaque;admin;;*:*;own", {"*:*"}, TokenKind.OPAQUE, {"admin"}),
        ("AAAAAAAAAAAAAAAAAAAA", {"product:*"}, TokenKind.OPAQUE, {"user"}),
        ("opaque;;;;;", {"product:*"}, TokenKind.OPAQUE, {"user"}),
        ("-", {"product:*"}, TokenKind.OPAQUE, {"user"}),
    ],
)
def test_a_logged_caller_comes_with_the_token_of_then(
    callers: Callers, held: str, scopes: set[str], kind: TokenKind, roles: set[str]
) -> None:
    """Kind and scopes are those that the line says; rights are those of today, unless they were the token's own."""
    line = read_line(fields(who="user:bob", client="app", be="ask.shop", code="-", held=held))
    evidence = callers.logged(line, BOTH).evidence
    assert isinstance(evidence, Proven)
    assert {str(scope) for scope in evidence.principal.scopes} == scopes
    assert (evidence.kind, evidence.principal.roles) == (kind, roles)
