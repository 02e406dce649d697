"""Secrets are read where the configuration says, and never shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sumun.config.plan import Place, Plan, SecretRef
from sumun.node.machine.secret_refs import SecretMissingError, Secrets, missing_secrets, read_secret
from tests.unit.haproxy.plans import plan

HERE = Place("sumun.yaml", 3, 9)


def test_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """`env:NAME` is the variable's text."""
    monkeypatch.setenv("SHOP_SECRET", "s3cret")
    assert read_secret(SecretRef("env:SHOP_SECRET")) == "s3cret"


def test_the_first_line_of_a_file(tmp_path: Path) -> None:
    """`file:PATH` is the first line without its end."""
    (tmp_path / "s").write_text("s3cret\r\nnotes\n")
    assert read_secret(SecretRef(f"file:{tmp_path}/s")) == "s3cret"


@pytest.mark.parametrize("content", [None, b"", b"\nsecond", b"\xff\xfe"])
def test_what_is_not_there_says_where_it_was_wanted(tmp_path: Path, content: bytes | None) -> None:
    """Missing, empty or unreadable: the YAML place and the mend are named."""
    path = tmp_path / "s"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SecretMissingError, match=r"sumun\.yaml:3:9: .*secret file"):
        read_secret(SecretRef(f"file:{path}", HERE))


def test_a_variable_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unset or empty variable is named."""
    monkeypatch.setenv("SHOP_SECRET", "")
    with pytest.raises(SecretMissingError, match="SHOP_SECRET is not set or empty"):
        read_secret(SecretRef("env:SHOP_SECRET", HERE))


def test_who_may_not_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be read says which account must be let."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(SecretMissingError, match=r"Permission denied; let the account \S+ read it"):
        read_secret(SecretRef(f"file:{tmp_path}/s", HERE))


def plan_with(*sources: str) -> Plan:
    """A plan whose store and directory have these secrets."""
    store, directory = (SecretRef(source, Place("sumun.yaml", n, 1)) for n, source in enumerate(sources, 1))
    bare = plan(8080, [], [])
    return replace(bare, node=replace(bare.node, store=store, directory=directory))


def test_all_that_is_missing_at_once(tmp_path: Path) -> None:
    """Every secret that cannot be read is told at once, as a refusal and as a note; what can be read is not mentioned."""
    (tmp_path / "good").write_text("s3cret\n")
    both = plan_with(f"file:{tmp_path}/a", f"file:{tmp_path}/b")
    with pytest.raises(SecretMissingError) as error:
        Secrets.of(both)
    assert str(error.value).splitlines() == [f"{note.where}: {note.text}" for note in error.value.missing]
    assert [note.where.line for note in missing_secrets(both)] == [1, 2]
    one = plan_with(f"file:{tmp_path}/good", f"file:{tmp_path}/b")
    (note,) = missing_secrets(one)
    assert note.where.line == 2
    assert note.text.startswith(
        "`sumun run` and `sumun reload` would refuse this here: cannot read the secret file"
    )
