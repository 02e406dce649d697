"""A process of its own that changes a directory: `python directory_worker.py HOW WHERE NAME [COUNT]`.

`hammer`  COUNT times: adds a person, gives and takes a role of `shared`; says each thing that was acknowledged
`hang`    begins a change, says so, and never ends it
`open`    opens the directory, and says which schema it has
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from sumun.directory import Directory
from sumun.directory.database import Database
from sumun.directory.user import make
from tests.contracts.occasions import CONFIGURED, NOW, held, person


def say(words: str) -> None:
    """One line that the parent reads at once."""
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def hammer(directory: Directory, name: str, count: int) -> None:
    """Every acknowledged change is said after the fact, never before."""
    for i in range(count):
        directory.users.add(person(f"{name}-{i}", "user"), CONFIGURED, NOW)
        say(f"added {name}-{i}")
        directory.users.grant("shared", held(f"{name}-{i}"), NOW)
        directory.users.withdraw("shared", held(f"{name}-{i}"), NOW)
        say(f"lowered {name}-{i}")


def hang(database: Database) -> None:
    """A person is half made: in the transaction, not committed."""
    with database.write() as connection:
        make(connection, person("ghost", "user"), CONFIGURED, NOW)
        say("inside")
        time.sleep(600)


def main() -> None:
    """Open it and do as told."""
    how, where, name, *count = sys.argv[1:]
    with Directory.open(where if where.startswith("postgresql:") else Path(where)) as directory:
        say("open")
        if how == "hammer":
            hammer(directory, name, int(count[0]))
        elif how == "hang":
            hang(directory._database)


main()
