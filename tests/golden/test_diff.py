"""Golden differences: what `explain/shop_later.yaml` changes for callers of `explain/shop.yaml`, in words.

`pytest tests/golden/test_diff.py --update` writes them.
"""

from __future__ import annotations

from pathlib import Path

from sumun.config import load
from sumun.explain.differences import differences
from tests.golden.kinds import CATALOGUE

FOLDER = Path(__file__).parent / "explain"


def test_words(*, update: bool) -> None:
    """The differences are exactly these, one sentence each."""
    old, new = (load(FOLDER / name, CATALOGUE) for name in ("shop.yaml", "shop_later.yaml"))
    said = "".join(f"{one}.\n" for one in differences(old, new))
    file = FOLDER / "shop_later.txt"
    if update:
        file.write_text(said, encoding="utf-8")
    assert said == file.read_text(encoding="utf-8")
