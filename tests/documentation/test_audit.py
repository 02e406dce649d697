"""docs/audit.md tells of every event, with every detail, and of no other."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from sumun.audit import EVENTS

PAGE = Path(__file__).parents[2] / "docs" / "audit.md"
ROW = re.compile(r"^\| `(\w+)` \|([^|]+)\|([^|]+)\|$", re.MULTILINE)


def test_the_page_lists_every_event() -> None:
    """Who reads the page knows every word that the record can hold."""
    told = {
        name: frozenset(re.findall(r"`(\w+)`", details)) for name, _, details in ROW.findall(PAGE.read_text())
    }
    assert told == {
        name: frozenset(field.name for field in dataclasses.fields(event)) - {"about"}
        for name, event in EVENTS.items()
    }
