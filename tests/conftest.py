"""What every test may ask for. Folders and their promises: tests/README.md."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from sumun.haproxy.errors import HAProxyError
from sumun.haproxy.program import find_program

TESTS = Path(__file__).parent

# How long an example takes is a matter of the machine, and no promise of ours. `make test` tries the same examples each
# time: what was green is red only because somebody changed something. `make soak` tries others, and ten times as many.
settings.register_profile(
    "the same each time", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "by chance",
    settings.get_profile("the same each time"),
    derandomize=False,
    max_examples=1000,
    print_blob=True,
)
settings.load_profile("the same each time")


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


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A long text is named by its place: it may be made anew by each process of a run, and nobody reads it anyway."""
    return argname if isinstance(val, str | bytes) and len(val) > 40 else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything that needs a server is marked live, so nobody forgets to say it."""
    for item in items:
        if needs_a_server(item):
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def haproxy() -> Path:
    """The HAProxy under test. Without one the test fails with a sentence: a check that is skipped proves nothing.

    `HAPROXY=/path/to/haproxy` runs the live tests, and the nodes in them, with another build.
    """
    try:
        return find_program().path
    except HAProxyError as error:
        pytest.fail(f"{error}. `make test` installs it: type that.")


@pytest.fixture
def socket_folder() -> Iterator[Path]:
    """A private folder with a short path: a Unix socket's whole path has 107 bytes at most, and tmp_path is long."""
    with tempfile.TemporaryDirectory(prefix="smn-", dir="/tmp") as folder:
        yield Path(folder)
