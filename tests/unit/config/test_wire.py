"""A plan travels as JSON and comes back the same."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from functools import reduce
from operator import getitem
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.access import Access, AllOf, AnyOf, HasPermission, HasRole, Requirement, TokenKind
from sumun.config import wire
from sumun.config.compile import compile_plan
from sumun.config.plan import NOWHERE, Place, Plan, Route
from sumun.config.wire_types import way_of
from sumun.config.yaml_reader import parse
from sumun.identity import Permission
from sumun.plugins import Catalogue
from tests.golden.kinds import CATALOGUE

names = st.text("abcxyz", min_size=1, max_size=8)
permissions = st.builds(Permission, names, names)
requirements: st.SearchStrategy[Requirement] = st.recursive(
    permissions.map(HasPermission) | names.map(HasRole),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple).flatmap(lambda p: st.sampled_from([AllOf(p), AnyOf(p)]))
    ),
    max_leaves=10,
)
places = st.builds(Place, st.just("sumun.yaml"), st.integers(1, 10**6), st.integers(1, 10**6)) | st.just(
    NOWHERE
)
routes = st.builds(
    Route,
    id=st.text(max_size=20),
    host=names | st.just(""),
    path=st.text(max_size=20),
    methods=st.lists(names).map(tuple),
    service=names,
    access=st.sampled_from(Access),
    requirement=requirements,
    kinds=st.frozensets(st.sampled_from(TokenKind)),
    keeps_authorization=st.booleans(),
    stream=st.booleans(),
    where=places,
)


def plan_of(text: str) -> Plan:
    """The plan of a YAML text."""
    return compile_plan(parse(text.encode(), "sumun.yaml", PurePosixPath("/etc")), CATALOGUE)


SMALL = plan_of("services: {a: {url: http://127.0.0.1:1}}\nroutes: []\n")


@given(st.lists(routes, max_size=5), st.dictionaries(names, st.frozensets(permissions), max_size=4))
def test_routes_and_roles_come_back(some: list[Route], roles: dict[str, frozenset[Permission]]) -> None:
    """Requirement trees, sets, kinds and places come back exactly; equal plans give equal bytes."""
    plan = dataclasses.replace(SMALL, routes=tuple(some), roles=roles)
    data = wire.dump(plan)
    back = wire.load(data)
    assert back == plan
    assert [route.where for route in back.routes] == [route.where for route in some]
    assert wire.dump(back) == data
    turned = dataclasses.replace(
        plan, roles={k: frozenset(sorted(v, reverse=True)) for k, v in roles.items()}
    )
    assert wire.dump(turned) == data


def test_what_comes_back_cannot_be_written_to() -> None:
    """A loaded plan is as immutable as a compiled one."""
    for plan in (SMALL, wire.load(wire.dump(SMALL))):
        for mapping in (plan.services, plan.roles, plan.clients, plan.authenticators, plan.permissions):
            with pytest.raises(TypeError):
                mapping["x"] = None  # type: ignore[index]


def test_another_format_is_refused() -> None:
    """A process never guesses what another version meant."""
    other = {**json.loads(wire.dump(SMALL)), "format": wire.FORMAT + 1}
    with pytest.raises(wire.PlanFormatError, match=f"plan format {wire.FORMAT + 1}"):
        wire.load(json.dumps(other).encode())


EMPTY = json.loads(wire.dump(plan_of("services: {}\nroutes: []\n")))["plan"]
ALWAYS = [
    *((name,) for name in EMPTY),
    *((part, name) for part in ("tokens", "limits", "node", "sessions") for name in EMPTY[part]),
]


@pytest.mark.parametrize("way", [way for way in ALWAYS if way != ("tokens", "origins")], ids=".".join)
def test_nothing_may_be_missing(way: tuple[str, ...]) -> None:
    """A plan without something that is always written is no plan: what it said is not guessed."""
    raw = json.loads(wire.dump(SMALL))
    *above, name = way
    del reduce(getitem, above, raw["plan"])[name]
    with pytest.raises(wire.PlanFormatError):
        wire.load(json.dumps(raw).encode())


@pytest.mark.parametrize("part", [("plan",), ("plan", "tokens"), ("plan", "limits")], ids=".".join)
def test_nothing_may_be_unknown(part: tuple[str, ...]) -> None:
    """What this version does not know is no part of a plan: it might have been a limit."""
    raw = json.loads(wire.dump(SMALL))
    reduce(getitem, part, raw)["unheard_of"] = None
    with pytest.raises(wire.PlanFormatError):
        wire.load(json.dumps(raw).encode())


def test_an_unknown_requirement_is_refused() -> None:
    """A sort of requirement that this version does not know is never read as another one."""
    plan = plan_of(
        "services: {a: {url: http://127.0.0.1:1}}\nroutes: [{path: /, service: a, require: {any: [p:r]}}]\n"
    )
    data = wire.dump(plan)
    assert wire.load(data) == plan
    for other in (b'{"none":', b'{"not":'):
        with pytest.raises(wire.PlanFormatError):
            wire.load(data.replace(b'{"any":', other))


@dataclasses.dataclass(frozen=True)
class Odd:
    """A part of a plan with a field of a type that JSON does not have."""

    taken: complex


def test_a_type_that_cannot_travel_is_seen_at_once() -> None:
    """A field that nobody said how to carry stops the start: it is never lost on the way."""
    with pytest.raises(TypeError):
        way_of(Odd)


def test_two_files_make_no_plan() -> None:
    """Places of two files cannot be told apart on the wire, so they are refused."""
    listen = dataclasses.replace(SMALL.listen, where=Place("other.yaml", 1, 1))
    with pytest.raises(ValueError, match="two files"):
        wire.dump(dataclasses.replace(SMALL, listen=listen))


def test_the_readers_of_yaml_stay_away() -> None:
    """A process that loads a plan imports neither pydantic nor PyYAML."""
    program = "import sys; from sumun.config import wire, Plan; sys.exit(bool({'pydantic', 'yaml'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_ten_thousand_routes_load_quickly() -> None:
    """A plan of 10,000 routes is loaded in a moment: some 60 ms of one quiet core, and never half a second."""
    one = plan_of(
        "services: {a: {url: http://127.0.0.1:1}}\nroles: {r: [p:r]}\n"
        'routes: [{path: "/a/{b}", service: a, methods: [GET], require: {any: [p:r, {role: r}]}}]\n'
    ).routes[0]
    many = tuple(dataclasses.replace(one, id=f"route-{i}", path=f"/a{i}/{{b}}/c") for i in range(10_000))
    data = wire.dump(dataclasses.replace(SMALL, routes=many))
    taken = []
    for _ in range(5):
        before = time.process_time()
        wire.load(data)
        taken.append(time.process_time() - before)
    assert min(taken) < 0.5


def test_a_catalogue_is_not_needed_to_load() -> None:
    """What was checked once is trusted: no kind is looked up again."""
    text = "services: {}\nroutes: []\nauthenticators: {p: {kind: plain, host: h}}\nlogin: [p]\n"
    plan = wire.load(wire.dump(plan_of(text)))
    assert plan.authenticators["p"].settings["host"] == "h"
    assert Catalogue([]).names("authenticator") == ()
