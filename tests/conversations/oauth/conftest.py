"""What the tests of this folder are given."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.conversations.oauth import stories


@pytest.fixture
def tell(tmp_path: Path) -> stories.Tell:
    """Runs a story."""
    return partial(stories.tell, tmp_path)
