"""Without its guard each attack succeeds, and a test says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guards.proof_removals import PROOF_REMOVALS
from tests.guards.refresh_removals import REFRESH_REMOVALS
from tests.guards.removal import REPOSITORY, Removal
from tests.guards.removals import REMOVALS
from tests.guards.stranger_removals import STRANGER_REMOVALS

EVERY = (*REMOVALS, *PROOF_REMOVALS, *REFRESH_REMOVALS, *STRANGER_REMOVALS)


@pytest.mark.parametrize("removal", EVERY, ids=lambda removal: removal.attack)
def test_a_guard_is_there(removal: Removal) -> None:
    """The guard stands where the list says, once, and its test is there."""
    assert removal.is_there()
    file, _, name = removal.test.partition("::")
    assert f"def {name.partition('[')[0]}" in (REPOSITORY / file).read_text()


@pytest.mark.parametrize("removal", EVERY, ids=lambda removal: removal.attack)
def test_without_it_a_test_turns_red(removal: Removal, tmp_path: Path) -> None:
    """Taken out of the code, the guard is missed: the test that it is listed with fails, for an assertion of its own."""
    done = removal.taken(tmp_path)
    assert done.returncode == 1, done.stdout  # 2 and above: pytest could not run it
    assert " failed" in done.stdout
    assert " error" not in done.stdout.splitlines()[-1]
