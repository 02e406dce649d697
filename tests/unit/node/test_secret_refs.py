"""Secrets are read where the configuration says, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from sumun.config.plan import Place, SecretRef
from sumun.node.secret_refs import SecretMissingError, read_secret

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
