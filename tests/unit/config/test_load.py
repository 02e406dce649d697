"""The way in: a file on disk becomes a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from sumun import config
from sumun.config.plan import SecretRef
from sumun.plugins import AUTHENTICATOR, BrokenKindError, Catalogue, Kind
from tests.golden.kinds import CATALOGUE

GOOD = """
services: {a: {url: http://127.0.0.1:1}}
routes: [{path: /, service: a}]
clients: [{id: c, kind: confidential, secret: file:c.secret, grants: [client_credentials]}]
"""


def test_load(tmp_path: Path) -> None:
    """Places name the file as it was given; a secret's file lies beside it, whatever the current folder is."""
    file = tmp_path / "sumun.yaml"
    file.write_text(GOOD)
    plan = config.load(file, CATALOGUE)
    assert plan.routes[0].where == config.Place(str(file), 3, 10)
    assert plan.clients["c"].secret == SecretRef(f"file:{tmp_path.resolve()}/c.secret")
    assert (plan.listen.host, plan.listen.port, plan.tokens.issuer) == (
        "127.0.0.1",
        8080,
        "http://127.0.0.1:8080",
    )


def test_load_tells_everything_that_is_wrong(tmp_path: Path) -> None:
    """One run, all problems, one error."""
    file = tmp_path / "sumun.yaml"
    file.write_text("listen: 1\nservices: {a: {}}\nroutes: [{path: x, service: b}]\nlistne: 2\n")
    with pytest.raises(config.ConfigProblemsError) as caught:
        config.load(file, CATALOGUE)
    told = [(one.place.line, one.value) for one in caught.value.problems]
    assert told == [(1, "1"), (2, "url"), (3, "x"), (3, "b"), (4, "listne")]


def test_a_broken_plug_in_is_not_the_operators_fault(tmp_path: Path) -> None:
    """A kind that cannot be imported is named as such, not as a problem of the file."""
    file = tmp_path / "sumun.yaml"
    file.write_text("services: {}\nroutes: []\nauthenticators: {x: {kind: gone}}\nlogin: [x]\n")
    catalogue = Catalogue([Kind(AUTHENTICATOR, "gone", "no.such.module:S", "no.such.module:b")])
    with pytest.raises(BrokenKindError, match="'gone'"):
        config.load(file, catalogue)


def test_excerpts_for_problems_that_others_found(tmp_path: Path) -> None:
    """What `haproxy -c` complains about is shown with its line, secrets hidden; other places are left alone."""
    file = tmp_path / "sumun.yaml"
    file.write_text("services: {a: {url: http://h}}\nclients: [{id: c, secret: hunter2}]\n")
    at = config.Problem(config.Place(str(file), 2, 11), "", "HAProxy says no")
    elsewhere = config.Problem(config.Place(str(file), 99, 1), "", "x")
    first, second = config.with_excerpts((at, elsewhere), file)
    assert first.excerpt is not None
    assert first.excerpt.text == "clients: [{id: c, secret: ***}]"
    assert second.excerpt is None
    file.unlink()
    assert config.with_excerpts((at,), file) == (at,)
