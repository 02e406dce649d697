"""`pytest tests/golden --update` writes what the code says now; read the difference before you commit it."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --update. (Only seen when this folder is named on the command line, as it should be.)"""
    parser.addoption("--update", action="store_true", help="write the golden files instead of comparing")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether to write instead of to compare."""
    return bool(request.config.getoption("--update", default=False))
