"""Import everything that may be needed, while the files can still be read.

A part that root started becomes an ordinary user, and the code may lie below a folder that only root may enter. What is
imported later than that fails. So all of sumun, and what our libraries import only when they first need it, is imported
before.
"""

from __future__ import annotations

import contextlib
import pkgutil
from importlib import import_module

import sumun

# Imported late by httpx2 and anyio (first request), grpc (first call), the standard library (first host name, first
# thread pool), uvicorn (first server), SQLAlchemy (first engine). Those of an extra that is not installed are passed
# over.
_LATE = (
    "anyio._backends._asyncio",
    "asyncio.taskgroups",
    "concurrent.futures.thread",
    "encodings.ascii",
    "encodings.idna",
    "encodings.latin_1",
    "encodings.unicode_escape",
    "encodings.utf_8",
    "grpc._utilities",
    "http.client",
    "http.cookiejar",
    "httpcore2",
    "httptools",
    "httpx2",
    "multiprocessing.connection",
    "psycopg",
    "psycopg_binary",
    "queue",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "sqlite3.dbapi2",
    "stringprep",
    "traceback",
    "urllib.request",
    "uvicorn.lifespan.off",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.auto",
    "zoneinfo",
)
_NOT_OURS_TO_RUN = (
    "sumun.__main__",
    "sumun.cli",
    "sumun.demo",
    "sumun.directory.migrations.",  # Alembic runs them
    "sumun.keeper",  # its part imports it
    "sumun.node.parts.",  # each is a program
)


def preload() -> None:
    """Import all of it. Raises ImportError when a module of ours cannot be imported."""
    for found in pkgutil.walk_packages(sumun.__path__, "sumun."):
        if not found.name.startswith(_NOT_OURS_TO_RUN):
            import_module(found.name)
    for name in _LATE:
        with contextlib.suppress(ImportError):
            import_module(name)
