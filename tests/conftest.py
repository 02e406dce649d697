"""What every test may ask for. Folders and their promises: tests/README.md."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
OLDEST_HAPROXY = (2, 6)
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"  # where Debian keeps HAProxy; an ordinary user's PATH leaves it out


def needs_a_server(item: pytest.Item) -> bool:
    """Whether the test talks to a server that the machine has to have: by its folder, a fixture or a parameter."""
    fixtures = set(getattr(item, "fixturenames", ()))
    call = getattr(item, "callspec", None)
    parameters = {value for value in call.params.values() if isinstance(value, str)} if call else set()
    return (
        item.path.is_relative_to(TESTS / "live")
        or not fixtures.isdisjoint({"haproxy", "postgres_server"})
        or "postgresql" in parameters
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything that needs a server is marked live, so nobody forgets to say it."""
    for item in items:
        if needs_a_server(item):
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def haproxy() -> Path:
    """The HAProxy under test. Without one the test fails with a sentence: a check that is skipped proves nothing.

    `SUMUN_TEST_HAPROXY=/path/to/haproxy` runs the live tests against another build.
    """
    found = (
        os.environ.get("SUMUN_TEST_HAPROXY") or shutil.which("haproxy") or shutil.which("haproxy", path=SBIN)
    )
    if found is None:
        pytest.fail("HAProxy is not on this machine. `make test` installs it: type that.")
    said = subprocess.run([found, "-v"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"version (\d+)\.(\d+)", said)
    if version is None or tuple(map(int, version.groups())) < OLDEST_HAPROXY:
        pytest.fail(f"{found} is too old, sumun needs HAProxy 2.6 or newer: {said.splitlines()[0]}")
    return Path(found)


@pytest.fixture
def socket_folder() -> Iterator[Path]:
    """A private folder with a short path: a Unix socket's whole path has 107 bytes at most, and tmp_path is long."""
    with tempfile.TemporaryDirectory(prefix="smn-", dir="/tmp") as folder:
        yield Path(folder)
