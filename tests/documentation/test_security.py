"""docs/security.md: what it says is held by a test is held by one that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documentation.tables import DOCS, table, words

PAGE = DOCS / "security.md"
REPOSITORY = Path(__file__).parents[2]


def test_each_promise_has_its_test() -> None:
    """Every test file that the page names is there, and every test named behind a file is in it."""
    text = PAGE.read_text(encoding="utf-8")
    for place, names in re.findall(r"`(tests/[\w/]+\.py)`((?::|,)? ?(?:`test_\w+`(?:, )?)*)", text):
        file = REPOSITORY / place
        assert file.is_file(), place
        for name in re.findall(r"`(test_\w+)`", names):
            assert re.search(rf"def {name}\b", file.read_text(encoding="utf-8")), f"{place}: {name}"


@pytest.mark.parametrize(
    ("heading", "at_least"),
    [("RFC 9700 and OAuth 2.1, point by point", 21), ("RFC 8628, point by point", 6)],
)
def test_every_point(heading: str, at_least: int) -> None:
    """Each point of the best practice, and of the device grant, has one test by name."""
    rows = table(PAGE, heading)
    assert len(rows) >= at_least
    for row in rows:
        file, name = words(row[3])
        assert re.search(rf"def {name}\b", (REPOSITORY / file).read_text(encoding="utf-8")), row
