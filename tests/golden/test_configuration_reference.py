"""docs/configuration.md and the settings classes say the same. `pytest tests/golden --update` writes the tables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from sumun.config import reference
from sumun.config.checking import plain
from sumun.config.settings import Settings
from sumun.config.values import Reading, by_setting
from sumun.config.yaml_reader import parse
from sumun.login.http_settings import HttpSettings

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
TABLES = {"settings": (Settings, ""), "http": (HttpSettings, "authenticators.NAME")}


def between(page: str, name: str) -> str:
    """What the page holds between the marks of a table."""
    found = re.search(rf"<!-- {name}: [^>]*-->\n(.*?)<!-- end of {name} -->", page, re.DOTALL)
    assert found is not None, f"{PAGE.name} has no marks for the table {name}"
    return found[1]


@pytest.mark.parametrize("name", TABLES)
def test_the_page_holds_every_setting(name: str, *, update: bool) -> None:
    """Every setting stands in the page with its type, default, meaning and example, and nothing else does."""
    model, prefix = TABLES[name]
    page = PAGE.read_text(encoding="utf-8")
    table = reference.markdown(model, prefix) + "\n"
    if update:
        page = page.replace(
            f"-->\n{between(page, name)}<!-- end of {name}", f"-->\n{table}<!-- end of {name}"
        )
        PAGE.write_text(page, encoding="utf-8")
    assert between(page, name) == table


@pytest.mark.parametrize("name", TABLES)
def test_every_setting_has_a_meaning_and_an_example(name: str) -> None:
    """A setting that holds a value says what it means, and shows one; a section says what it means."""
    rows = list(reference.rows(*TABLES[name]))
    assert [row.key for row in rows if not row.meaning.endswith(".")] == []
    sections = ("settings", "list of settings", "names with settings")
    assert [row.key for row in rows if not row.example and row.type not in sections] == []


def fields(model: type[BaseModel], prefix: str) -> dict[str, Any]:
    """Every field by its key, as the rows name it."""
    found: dict[str, Any] = {}
    for name, field in by_setting(model).items():
        key = f"{prefix}.{name}" if prefix else name
        found[key] = field
        inner, below = reference._inner(reference._without_none(field.annotation))
        if inner is not None:
            found |= fields(inner, f"{key}{below}")
    return found


@pytest.mark.parametrize("name", TABLES)
def test_every_example_is_accepted(name: str) -> None:
    """What the page shows as an example of a setting is a value that the setting takes, and not its default."""
    model, prefix = TABLES[name]
    by_key = fields(model, prefix)
    for row in reference.rows(model, prefix):
        if not row.example:
            continue
        node = parse(f"x: {row.example}".encode(), row.key, Path("/")).root.entries["x"].value
        adapter = TypeAdapter(reference._annotated(by_key[row.key]))
        taken = adapter.validate_python(plain(node), context=Reading(roles=frozenset({"user"})), strict=True)
        assert taken != by_key[row.key].default, f"the example of {row.key} is its default"
