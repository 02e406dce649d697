"""The servers behind the contracts, started once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sumun.directory import Directory
from tests.contracts import postgres
from tests.contracts.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of our own."""
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="session")
def filled_database(postgres_server: PostgresServer) -> str:
    """A database with our tables and no rows, to copy: quicker than climbing every step for every test."""
    name = postgres_server.new_database()
    Directory.open(postgres_server.url(name)).close()
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where an empty directory is: a file, then a database."""
    if request.param == "sqlite":
        return tmp_path / "sumun.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.url(server.new_database(request.getfixturevalue("filled_database")))


@pytest.fixture
def directory(location: Path | str) -> Iterator[Directory]:
    """An open, empty directory, on each database."""
    with Directory.open(location) as opened:
        yield opened
