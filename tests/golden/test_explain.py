"""Golden explanations: calls and callers of `explain/shop.yaml`, and the words that `sumun explain` has for each.

`pytest tests/golden/test_explain.py --update` writes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from msgspec import structs

from sumun.access import Invalid, InvalidBecause, Missing, Proven, TokenKind
from sumun.config.calls import Call
from sumun.config.compile import compile_plan
from sumun.config.plan import Plan
from sumun.config.yaml_reader import parse
from sumun.explain.caller import Caller, Shown
from sumun.explain.explanation import Explanation, explain
from sumun.explain.shapes import as_json
from sumun.explain.words import in_words
from sumun.identity import ANYTHING, Permission, Principal, Subject
from sumun.node.calls.callers import configured_caller, through_client
from tests.golden.kinds import CATALOGUE

FOLDER = Path(__file__).parent / "explain"


def plan() -> Plan:
    """The shop."""
    data = (FOLDER / "shop.yaml").read_bytes()
    return compile_plan(parse(data, "shop.yaml", PurePosixPath("/etc/sumun")), CATALOGUE)


def bob(plan: Plan, scopes: frozenset[Permission] = frozenset({ANYTHING})) -> Caller:
    """A person with the role user, through shop-app."""
    who = Principal(
        Subject.user("bob"), "Bob", frozenset({"user"}), frozenset(), scopes, "shop-app", "tid_bob"
    )
    client = through_client(plan.clients["shop-app"])
    return Caller(
        "an opaque token of user:bob", Proven(who, TokenKind.OPAQUE, 1e10), Shown.TOKEN, client=client
    )


def of_kind(caller: Caller, kind: TokenKind) -> Caller:
    """The same with another kind of token."""
    assert isinstance(caller.evidence, Proven)
    return replace(caller, evidence=structs.replace(caller.evidence, kind=kind))


def for_another(caller: Caller) -> Caller:
    """The same with a token for another service."""
    assert isinstance(caller.evidence, Proven)
    who = structs.replace(caller.evidence.principal, audience=frozenset({"https://other.example.com"}))
    return replace(caller, evidence=structs.replace(caller.evidence, principal=who))


def explanations() -> Iterator[Explanation]:
    """Every sort of outcome."""
    shop = plan()
    someone, nobody = bob(shop), Caller("nobody", Missing(), Shown.NOTHING)
    narrow = bob(shop, frozenset({Permission("product", "read")}))
    batch = configured_caller(shop.clients["batch"])
    delete, order = Call("DELETE", "/products/1"), Call("POST", "/orders")
    for caller in (
        someone,
        of_kind(someone, TokenKind.JWT),
        replace(someone, own_rights=True),
        narrow,
        batch,
    ):
        yield explain(shop, delete, caller)
        yield explain(shop, order, caller)
    yield explain(shop, Call("GET", "/products"), someone)
    yield explain(shop, Call("GET", "/reports"), someone)
    yield explain(shop, Call("GET", "/reports"), batch)
    yield explain(shop, Call("GET", "/products"), for_another(someone))
    yield explain(shop, Call("GET", "/"), nobody)
    yield explain(shop, Call("GET", "/prices"), nobody)
    yield explain(shop, Call("PUT", "/products/1"), nobody)
    yield explain(shop, Call("GET", "/nothing"), nobody)
    yield explain(shop, Call("GET", "/product/"), nobody)
    yield explain(shop, Call("GET", "/stats"), nobody)
    yield explain(shop, Call("GET", "/stats", internal=True), nobody)
    for because in InvalidBecause:
        yield explain(shop, delete, Caller("a token", Invalid(because), Shown.TOKEN))


def test_words(*, update: bool) -> None:
    """Each explanation says exactly this."""
    said = "\n\n".join("\n".join(in_words(one)) for one in explanations()) + "\n"
    file = FOLDER / "shop.txt"
    if update:
        file.write_text(said, encoding="utf-8")
    assert said == file.read_text(encoding="utf-8")


def test_json() -> None:
    """Every explanation can be JSON, with the same names for the same things each time."""
    shapes = [json.loads(json.dumps(as_json(one))) for one in explanations()]
    assert len({frozenset(shape) for shape in shapes}) == 1
    assert [shape["status"] for shape in shapes] == [one.status for one in explanations()]
