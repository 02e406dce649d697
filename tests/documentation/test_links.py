"""What the documents and the code point at is there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.documentation.tables import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "tests" / "README.md"])
SPEAKING = [
    path
    for folder in ("src", "tests", "scripts", "bench", "docs")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".md", ".sh", "")
    and path.is_file()
    and not {"__pycache__", "node_modules"} & set(path.parts)
]
_LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
_NAMED = re.compile(r"\bdocs/[\w./-]+\.md\b")
_SOURCE = re.compile(r"`((?:src/sumun|tests|scripts|docs|bench)/[\w./-]*)`")


def missing(page: Path, text: str) -> list[str]:
    """What a text points at that is not there: links from its folder, names from the root."""
    links = [link for link in _LINK.findall(text) if "://" not in link]
    gone = [link for link in links if not (page.parent / link).exists()]
    return gone + [name for name in _SOURCE.findall(text) if not (ROOT / name).exists()]


def test_links() -> None:
    """Every link and every file named in the documents leads somewhere."""
    assert len(PAGES) >= 12
    assert {
        str(page.relative_to(ROOT)): gone
        for page in PAGES
        if (gone := missing(page, page.read_text("utf-8")))
    } == {}


def test_documents_named_in_the_code() -> None:
    """A docstring that sends the reader to a document sends nobody away empty-handed."""
    gone = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in SPEAKING
        for name in _NAMED.findall(path.read_text(encoding="utf-8", errors="replace"))
        if not (ROOT / name).is_file()
    }
    assert gone == set()


def test_a_missing_page_is_found() -> None:
    """The rule can fail."""
    text = (
        "[x](nowhere.md), [y](README.md#top), `src/sumun/nowhere.py`, `src/sumun/errors.py`, [z](http://x/)"
    )
    assert missing(ROOT / "README.md", text) == ["nowhere.md", "src/sumun/nowhere.py"]
