"""A plugin of pytest (`-p tests.shares`): which process runs what, and in which order.

A file stays together, because its tests share a node. What needs servers comes first: it takes longest, and nobody wants
to wait for the last of it alone. The tests of `guards/` are processes of their own, so they are dealt one by one.
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadFileScheduling

APART = "tests/guards/"
FIRST = "tests/live/"


class Shares(LoadFileScheduling):
    """One share is one file, or one test of those that stand alone."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(APART) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Shares:
    """In the order of the collection, not with the most tests first: one test of a node is as long as a hundred others."""
    config.option.loadscopereorder = False
    return Shares(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs servers first."""
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))
