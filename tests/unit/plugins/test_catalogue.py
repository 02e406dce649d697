"""Kinds are found by family and name, lazily, and never by accident."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from sumun.plugins import (
    AUTHENTICATOR,
    BrokenKindError,
    Catalogue,
    DuplicateKindError,
    Kind,
    PluginError,
    UnknownKindError,
    catalogue,
    installed_kinds,
)

HERE = "tests.unit.plugins.test_catalogue"


class Settings(BaseModel):
    """Settings of the kind of these tests."""

    model_config = ConfigDict(extra="forbid")


class LooseSettings(BaseModel):
    """Settings that swallow what they do not know."""


def build() -> None:
    """Build nothing."""


THIS = Kind(AUTHENTICATOR, "this", f"{HERE}:Settings", f"{HERE}:build")
SEVERAL = (THIS, Kind(AUTHENTICATOR, "that", f"{HERE}:Settings", f"{HERE}:build"))
NUMBER = 7
MIXED = (THIS, 7)


def test_found_by_family_and_name() -> None:
    """A kind is found under its family and its name, and not under another family."""
    table = Catalogue([THIS])
    assert table.find(AUTHENTICATOR, "this") is THIS
    with pytest.raises(UnknownKindError):
        table.find("store", "this")


def test_unknown_kind_lists_what_exists() -> None:
    """Who asks for an unknown kind is told which exist, sorted."""
    with pytest.raises(UnknownKindError, match=r"kinds that exist: that, this$"):
        Catalogue(SEVERAL).find(AUTHENTICATOR, "those")
    with pytest.raises(UnknownKindError, match=r"kinds that exist: none$"):
        Catalogue([]).find(AUTHENTICATOR, "those")


def test_a_name_used_twice_stops() -> None:
    """Two kinds of one family with one name are refused; the same kind listed twice is one kind."""
    with pytest.raises(DuplicateKindError, match="two kinds of authenticator are named 'this'"):
        Catalogue([THIS, Kind(AUTHENTICATOR, "this", f"{HERE}:Settings", "other.module:build")])
    assert Catalogue([THIS, THIS]).names(AUTHENTICATOR) == ("this",)
    assert Catalogue([THIS, Kind("store", "this", f"{HERE}:Settings", f"{HERE}:build")]).names("store") == (
        "this",
    )


def test_settings_and_builder_are_imported_on_demand() -> None:
    """The references lead to the class and the function."""
    assert THIS.settings_class().__name__ == "Settings"
    assert THIS.builder().__name__ == "build"


@pytest.mark.parametrize("reference", ["no.such.module:Settings", f"{HERE}:NoSuchName"])
def test_a_reference_to_nothing_is_a_broken_kind(reference: str) -> None:
    """A kind that cannot be imported says so by name, and only when it is used."""
    kind = Kind(AUTHENTICATOR, "gone", reference, reference)
    with pytest.raises(BrokenKindError, match="'gone': cannot import"):
        kind.settings_class()
    with pytest.raises(BrokenKindError, match="'gone': cannot import"):
        kind.builder()


def test_settings_that_swallow_unknown_keys_are_refused() -> None:
    """A settings class must forbid extra keys."""
    kind = Kind(AUTHENTICATOR, "loose", f"{HERE}:LooseSettings", f"{HERE}:build")
    with pytest.raises(BrokenKindError, match="does not forbid extra keys"):
        kind.settings_class()


def test_a_reference_to_the_wrong_thing_is_a_broken_kind() -> None:
    """Settings must be a pydantic class, a builder must be callable."""
    kind = Kind(AUTHENTICATOR, "odd", f"{HERE}:build", f"{HERE}:NUMBER")
    with pytest.raises(BrokenKindError, match="not a class of pydantic settings"):
        kind.settings_class()
    with pytest.raises(BrokenKindError, match="cannot be called"):
        kind.builder()


@pytest.mark.parametrize(
    "parts",
    [
        ("authenticator", "Bad", "a:b", "a:b"),
        ("authenticator", "", "a:b", "a:b"),
        ("no family", "x", "a:b", "a:b"),
        ("authenticator", "x", "a.b", "a:b"),
        ("authenticator", "x", "a:b", "a:b()"),
    ],
)
def test_names_and_references_are_checked(parts: tuple[str, str, str, str]) -> None:
    """A Kind with a name or a reference that cannot be one is never made."""
    with pytest.raises(PluginError):
        Kind(*parts)


def _entry_points(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    points = [EntryPoint(name, f"{HERE}:{value}", "sumun.kinds") for name, value in values.items()]

    def of_group(*, group: str) -> Any:
        return EntryPoints(points).select(group=group)

    monkeypatch.setattr(catalogue, "entry_points", of_group)


def test_other_distributions_bring_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point holds one Kind or several; the order is that of the entry points' names."""
    _entry_points(monkeypatch, b="THIS", a="SEVERAL")
    assert [kind.name for kind in installed_kinds()] == ["this", "that", "this"]


@pytest.mark.parametrize("value", ["NUMBER", "MIXED", "NOTHING"])
def test_an_entry_point_that_is_no_kind_stops(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """An entry point that holds something else is named, not skipped."""
    _entry_points(monkeypatch, odd=value)
    with pytest.raises(BrokenKindError, match="'odd'"):
        installed_kinds()


def test_listing_kinds_imports_no_pydantic() -> None:
    """A process that only carries the table pays for no settings class."""
    program = "import sys, sumun.plugins; sys.exit('pydantic' in sys.modules or 'yaml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
