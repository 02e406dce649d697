"""docs/security.md: what it says is held by a test is held by one that is there."""

from __future__ import annotations

import re
from pathlib import Path

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


def test_every_point_of_the_best_practice() -> None:
    """Each point of RFC 9700 and OAuth 2.1 has one test by name."""
    rows = table(PAGE, "RFC 9700 and OAuth 2.1, point by point")
    assert len(rows) > 20
    for row in rows:
        file, name = words(row[3])
        assert re.search(rf"def {name}\b", (REPOSITORY / file).read_text(encoding="utf-8")), row
