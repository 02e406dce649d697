"""What goes wrong with a database, said in a sentence; nothing is half-written. Over SQLite and PostgreSQL."""

from __future__ import annotations

import os
import resource
import secrets
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

import pytest
import sqlalchemy as sa

from sumun.directory import Directory, opening
from sumun.directory import database as database_module
from sumun.directory.errors import DirectoryUnavailableError, DirectoryUnusableError
from sumun.identity import Subject
from tests.contracts.occasions import CONFIGURED, NOW, held, person
from tests.contracts.postgres import PostgresServer
from tests.contracts.refusing import refuse_inserts

ROOT = Path(__file__).parents[2]


def test_a_newer_schema_is_refused(directory: Directory, location: Path | str) -> None:
    """A directory that a newer sumun wrote is left alone, and the sentence says what to do."""
    with directory._database.write() as connection:
        connection.execute(sa.text("UPDATE sumun_schema SET version_num = '9999'"))
    with pytest.raises(
        DirectoryUnusableError, match=r"newer sumun \(schema 9999\); this one knows schemas up to"
    ):
        Directory.open(location)


def test_somebody_elses_database_is_refused(location: Path | str) -> None:
    """A database with a table `users` that we did not make is left alone."""
    with Directory.open(location) as directory, directory._database.write() as connection:
        connection.execute(sa.text("DROP TABLE sumun_schema"))
    with pytest.raises(DirectoryUnusableError, match="holds tables of something else"):
        Directory.open(location)


def test_a_long_writer_is_named(
    location: Path | str, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who holds the writers' lock for too long is reported; readers read on meanwhile."""
    monkeypatch.setattr(database_module, "LOCK_WAIT_SECONDS", 0.6)
    monkeypatch.setattr(opening, "LOCK_WAIT_SECONDS", 0.6)
    with Directory.open(location) as impatient, directory._database.write():
        with pytest.raises(DirectoryUnavailableError, match=r"for too long.*\((SQLITE_BUSY|55P03)\)"):
            impatient.users.add(person("alice"), CONFIGURED, NOW)
        assert impatient.standing(Subject.user("alice")) is None
    directory.users.add(person("alice"), CONFIGURED, NOW)


def test_an_error_repeats_no_row(directory: Directory) -> None:
    """What the database says of a row it refused (a hash, a key) is in no sentence and in no trace."""
    password_hash = secrets.token_hex()
    refuse_inserts(directory, "users")
    with pytest.raises(DirectoryUnavailableError) as caught:
        directory.users.add(person("alice", "user", password_hash=password_hash), CONFIGURED, NOW)
    assert password_hash not in "".join(traceback.format_exception(caught.value))
    assert password_hash not in str(
        caught.value.__context__
    )  # what a debugger or a crash reporter would show


def test_closing_twice(directory: Directory) -> None:
    """Closing may be done twice, and a look after it opens what it needs again."""
    directory.close()
    directory.close()
    assert directory.standing(Subject.user("alice")) is None


# SQLite


def test_the_file_is_private(tmp_path: Path) -> None:
    """The file and its side files are readable by their owner only, also when they were not before."""
    file = tmp_path / "sumun.db"
    before = os.umask(0)
    try:
        with Directory.open(file) as directory:
            directory.users.add(person("alice"), CONFIGURED, NOW)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"sumun.db": 0o600, "sumun.db-wal": 0o600, "sumun.db-shm": 0o600}
    file.chmod(0o644)
    Directory.open(file).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["sumun.db", "sumun.db-wal", "sumun.db-shm"])
def test_a_link_is_not_followed(tmp_path: Path, name: str) -> None:
    """A link in the place of a file is refused: root would narrow the mode of, and write into, whatever it leads to."""
    folder, precious = tmp_path / "data", tmp_path / "precious"
    folder.mkdir()
    precious.write_bytes(b"")
    precious.chmod(0o644)
    (folder / name).symlink_to(precious)
    with pytest.raises(DirectoryUnusableError, match="no plain file"):
        Directory.open(folder / "sumun.db")
    assert (stat.S_IMODE(precious.stat().st_mode), precious.read_bytes()) == (0o644, b"")


def test_every_commit_is_synced(tmp_path: Path) -> None:
    """WAL with synchronous=FULL and foreign keys: on every connection."""
    with Directory.open(tmp_path / "sumun.db") as directory, directory._database.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_root_makes_the_file_for_the_folders_owner(tmp_path: Path) -> None:
    """`sumun user add`, typed by root before the first start, leaves a file that the gateway's account can use."""
    if os.geteuid() == 0:
        os.chown(tmp_path, 12345, 12345)
    Directory.open(tmp_path / "sumun.db").close()
    made = (tmp_path / "sumun.db").stat()
    assert (made.st_uid, made.st_gid) == (tmp_path.stat().st_uid, tmp_path.stat().st_gid)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The sentence names the file and the reason."""
    with pytest.raises(DirectoryUnusableError, match=r"nowhere/sumun.db cannot be made.*No such file"):
        Directory.open(tmp_path / "nowhere" / "sumun.db")


def test_a_file_of_something_else(tmp_path: Path) -> None:
    """A text file, and an SQLite file of another program, are refused and left as they are."""
    text = tmp_path / "notes.txt"
    text.write_text("nothing to do with sumun\n" * 100)
    with pytest.raises(DirectoryUnavailableError, match="not an SQLite database: check the data folder"):
        Directory.open(text)
    assert text.read_text().startswith("nothing")
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    with pytest.raises(DirectoryUnusableError, match=r"something else \(bookmarks\)"):
        Directory.open(other)


FILL = """
import resource, sys
from pathlib import Path
from sumun.directory import Directory
from sumun.directory.errors import DirectoryUnavailableError
from tests.contracts.occasions import CONFIGURED, NOW, person
with Directory.open(Path(sys.argv[1])) as directory:
    for i in range(int(sys.argv[2])):
        try:
            directory.users.add(person(f"p{i}", "user", shown="x" * 250), CONFIGURED, NOW)
        except DirectoryUnavailableError as error:
            print(f"failed: {error}", flush=True)
            break
        print(f"added p{i}", flush=True)
"""


def fill(file: Path, *, limit_bytes: int) -> list[str]:
    """Add people in another process until a file may not grow any more; what it says."""
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(file), "5000"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes)),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_a_disk_that_takes_no_more(tmp_path: Path) -> None:
    """A write that the disk refuses is a clear error; what was acknowledged stays, what was not is not there."""
    file = tmp_path / "sumun.db"
    Directory.open(file).close()
    *added, failed = fill(file, limit_bytes=600_000)
    assert failed.startswith(
        f"failed: a change (it may be stored all the same: look before you repeat it) in the file {file} "
        "failed: reading or writing the disk failed"
    )
    with Directory.open(file) as directory:
        people = {user.id for user in directory.users.list(limit=10_000)}
        assert people == {line.removeprefix("added ") for line in added}
        assert len(directory.outbox.oldest(10_000)) == len(people) > 10
        directory.users.add(person("after"), CONFIGURED, NOW)  # room again: it goes on


def grant_without_end(directory: Directory) -> None:
    """Give alice fifty roles at a time until the database takes no more."""
    for i in range(500):
        directory.users.grant("alice", held(*(f"r{i}-{n}" for n in range(50))), NOW)


def test_a_full_disk_says_so(tmp_path: Path) -> None:
    """When SQLite says full, the sentence does, and the transaction is gone whole."""
    with Directory.open(tmp_path / "sumun.db") as directory:
        directory.users.add(person("alice"), CONFIGURED, NOW)

        def limit(connection: sqlite3.Connection, *_: object) -> None:
            connection.execute("PRAGMA max_page_count = 60")

        sa.event.listen(directory._database.engine, "checkout", limit)
        with pytest.raises(DirectoryUnavailableError, match=r"the disk is full: make room.*\(SQLITE_FULL\)"):
            grant_without_end(directory)
        sa.event.remove(directory._database.engine, "checkout", limit)
        granted = [r for r in directory.audit.newest(limit=1000) if r.event == "rights_granted"]
        alice = directory.users.get("alice")
        assert alice is not None
        assert len(alice.roles) == 50 * len(granted)
        assert len(directory.outbox.oldest(1000)) == 1 + len(granted)


def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    """The hot look takes no lock: it answers at once while a change is under way."""
    with Directory.open(tmp_path / "sumun.db") as directory:
        directory.users.add(person("alice", "user"), CONFIGURED, NOW)
        begun, end = threading.Event(), threading.Event()

        def write() -> None:
            with directory._database.write() as connection:
                connection.execute(sa.text("DELETE FROM user_roles"))
                begun.set()
                end.wait(5)

        writer = threading.Thread(target=write)
        writer.start()
        begun.wait(5)
        before = time.monotonic()
        standing = directory.standing(Subject.user("alice"))
        took = time.monotonic() - before
        end.set()
        writer.join()
        assert standing is not None
        assert standing.roles == {"user"}
        assert took < 0.5


# PostgreSQL


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://x@/y", "begins with 'mysql'"),
        ("postgresql", "cannot be read"),
        ("sqlite:///x.db", "begins with 'sqlite'"),
    ],
)
def test_a_url_that_is_not_ours(url: str, said: str) -> None:
    """Any other kind of database is refused at once."""
    with pytest.raises(DirectoryUnusableError, match=said):
        Directory.open(url)


def test_a_server_that_is_away(tmp_path: Path) -> None:
    """No server is an outage with the database's name, and without its password."""
    with pytest.raises(DirectoryUnavailableError, match="cannot be reached") as caught:
        Directory.open(f"postgresql://sumun:hunter2@/sumun?host={tmp_path}&port=21201")
    assert "hunter2" not in str(caught.value)
    assert "sumun:***@" in str(caught.value)


def test_a_database_that_is_not_there(postgres_server: PostgresServer) -> None:
    """The name is wrong, or the role may not: said as such."""
    with pytest.raises(DirectoryUnavailableError, match=r'lets us not in.*database "nowhere" does not exist'):
        Directory.open(postgres_server.url("nowhere"))


def test_a_server_that_forgets_is_refused(postgres_server: PostgresServer) -> None:
    """Acknowledged before it is on the disk: not with us. Nor an encoding that cannot hold a Korean name."""
    name = postgres_server.new_database()
    postgres_server.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    with pytest.raises(DirectoryUnusableError, match="synchronous_commit=off"):
        Directory.open(postgres_server.url(name))
    postgres_server.execute(
        "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    with pytest.raises(DirectoryUnusableError, match="encoding LATIN1"):
        Directory.open(postgres_server.url("latin"))


def test_a_role_that_may_not(postgres_server: PostgresServer, filled_database: str) -> None:
    """A role without rights on the tables is an outage that says so, and is no "no such user"."""
    name = postgres_server.new_database(filled_database)
    postgres_server.execute("CREATE ROLE stranger LOGIN")
    with pytest.raises(DirectoryUnavailableError, match="the role may not use the tables"):
        Directory.open(postgres_server.url(name, "stranger"))


def test_broken_connections_are_replaced(postgres_server: PostgresServer, filled_database: str) -> None:
    """After the server threw us out (a restart), the next call works."""
    url = postgres_server.url(postgres_server.new_database(filled_database))
    with Directory.open(url) as directory:
        directory.users.add(person("alice"), CONFIGURED, NOW)
        gone = postgres_server.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'sumun'"
        )
        assert gone[0][0] >= 1
        directory.users.add(person("bob"), CONFIGURED, NOW)
        assert directory.standing(Subject.user("bob")) is not None
