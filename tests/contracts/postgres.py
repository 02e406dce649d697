"""A PostgreSQL server of the tests' own: a cluster in a temporary folder, reached through a Unix socket, or TCP as well."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

PORT = 21200  # the name of the socket; when nothing is to listen on TCP, it is only that
ROLE = "sumun"
PASSWORD = "of-the-test"
START_SECONDS = 60
STOP_SECONDS = 60


def programs() -> Path:
    """Where initdb and postgres are: Debian keeps them out of PATH."""
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    found = kept[-1] if kept else shutil.which("initdb")
    if found is None:
        pytest.fail("PostgreSQL is not on this machine. `make test` installs it: type that.")
    return Path(found).resolve().parent


def account() -> dict[str, Any]:
    """Whom the server runs as: it refuses root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            who = pwd.getpwnam(name)
            return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
    pytest.fail("there is neither an account `postgres` nor `nobody` to run PostgreSQL as")


class PostgresServer:
    """A running server."""

    def __init__(self, folder: Path, port: int) -> None:
        """`folder` holds its socket; `port` names it."""
        self._folder = folder
        self._port = port
        self._made = 0

    def url(self, database: str, role: str = ROLE) -> str:
        """The URL of a database on it."""
        return f"postgresql://{role}@/{database}?host={self._folder}&port={self._port}"

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run one statement, outside a transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)  # a constant of the tests
            return cursor.fetchall() if cursor.description else []

    def new_database(self, template: str = "template0") -> str:
        """Make an empty database; its name."""
        self._made += 1
        name = f"test_{self._made}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'")
        return name


def _roomy() -> str:
    """Memory where there is plenty: a hundred small databases are thousands of files to make and to remove."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 3 * 2**30 else "/tmp"


@contextlib.contextmanager
def running(tcp_port: int = 0) -> Iterator[PostgresServer]:
    """A server that is there for as long as the block. On TCP (loopback) it asks for PASSWORD."""
    bin_folder, runs_as = programs(), account()
    folder = Path(tempfile.mkdtemp(prefix="smn-pg-", dir=_roomy()))
    try:
        if runs_as:
            os.chown(folder, runs_as["user"], runs_as["group"])
        made = subprocess.run(
            [
                bin_folder / "initdb",
                "-D",
                folder / "data",
                "-U",
                ROLE,
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "--no-sync",
                "--locale=C.UTF-8",
            ],
            capture_output=True,
            text=True,
            cwd=folder,
            check=False,
            **runs_as,
        )
        assert made.returncode == 0, made.stderr
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [
                    bin_folder / "postgres",
                    *("-D", folder / "data", "-k", folder, "-p", str(tcp_port or PORT)),
                    *("-c", f"listen_addresses={'127.0.0.1' if tcp_port else ''}"),
                    *("-c", "fsync=off", "-c", "max_connections=60"),
                ],
                stdout=log,
                stderr=log,
                cwd=folder,
                **runs_as,
            )
        try:
            started = PostgresServer(folder, tcp_port or PORT)
            _wait_until_ready(server, started, folder / "log")
            if tcp_port:
                started.execute(f"ALTER ROLE {ROLE} PASSWORD '{PASSWORD}'")
            yield started
        finally:
            server.send_signal(
                signal.SIGQUIT
            )  # "immediate shutdown" (PostgreSQL manual, 19.5): nothing of it is kept
            try:
                server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(server: subprocess.Popen[bytes], started: PostgresServer, log: Path) -> None:
    last_look = time.monotonic() + START_SECONDS
    while True:
        try:
            started.execute("SELECT 1")
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > last_look:
                pytest.fail(f"PostgreSQL did not start:\n{log.read_text()}")
            time.sleep(0.05)
