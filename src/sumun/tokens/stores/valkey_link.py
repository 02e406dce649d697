"""One way to talk to a Valkey or Redis server: a deadline for every command, back-off, every trouble one error.

Whatever goes wrong is StoreUnavailableError: no connection, no answer in time, a server that is loading, read-only, out
of memory or unable to write its file, a refused login, an answer of another shape. The error names the kind of trouble
and never what was sent.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias, cast

from valkey.asyncio import ConnectionPool, UnixDomainSocketConnection, Valkey
from valkey.asyncio.connection import parse_url
from valkey.asyncio.retry import Retry
from valkey.backoff import NoBackoff
from valkey.exceptions import ConnectionError as NoConnectionError
from valkey.exceptions import NoScriptError, ResponseError, ValkeyError

from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.stores.valkey_pipeline import Pipeline, open_pipeline
from sumun.tokens.stores.valkey_scripts import Script

DEADLINE_SECONDS = 0.25
"""For one command, connecting included, unless the link is told another."""

Deadline = Callable[[], float]
"""The same in seconds, asked anew for each command: a reload may change it."""

LEAST_FREE_BYTES = 1 << 20
"""Of an own server's disk. Others write there too, so a bit more than the largest thing that is sent."""

_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.5
_LATE = "the token store did not answer in time"
_CLOSED = "the link to the token store is closed"

Answer = bytes | int | list["Answer"] | None
Word = str | bytes | int
Hear: TypeAlias = Callable[["Answer | StoreUnavailableError"], None]
"""Told what came of it. It must not raise."""


@dataclass(frozen=True, slots=True)
class ValkeyAddress:
    """Where the server is, and as whom to log in: a Unix socket's path or a `valkey://`, `redis://`, `rediss://` URL.

    The secrets never show in repr. A user and password here win over the URL's. `disk` is the folder of a server of our
    own: while there is no room, nothing is sent that it would have to keep, for it would end (`appendfsync always`).
    """

    unix_socket: str = ""
    url: str = field(default="", repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    disk: str = ""


class ValkeyLink:
    """Commands and scripts over a small pool of connections to one server."""

    def __init__(
        self,
        address: ValkeyAddress,
        *,
        connections: int = 8,
        deadline: Deadline = lambda: DEADLINE_SECONDS,
        steady: Callable[[], float],
    ) -> None:
        """Nothing is connected yet. `steady` is a clock that never jumps, in seconds. ValueError for a bad URL."""
        self._deadline = deadline
        self._steady = steady
        self._pause_seconds = 0.0
        self._paused_until = float("-inf")
        self._closed = False
        self._pipeline: Pipeline | None = None
        self._given_up: list[Pipeline] = []
        self._opening: asyncio.Task[None] | None = None
        self._held: list[tuple[tuple[Word, ...], Hear]] = []  # to be asked once the pipeline is open
        self._disk = address.disk
        self._pool = _pool(address, connections)
        # The library's own waiting pool can lose a connection when its waiter is cancelled; this one cannot.
        self._free = asyncio.Semaphore(connections)
        self._client = Valkey(connection_pool=self._pool)
        self._execute: Callable[..., Awaitable[Any]] = self._client.execute_command

    async def command(self, *words: Word, blocks_seconds: float = 0.0) -> Answer:
        """Send one command, which itself waits for `blocks_seconds`; its answer. Raises StoreUnavailableError."""
        self._refuse_in_vain()
        try:
            async with asyncio.timeout(blocks_seconds + self._deadline()), self._free:
                answer: Answer = await self._execute(*words)
        except TimeoutError:
            raise StoreUnavailableError(_LATE) from None
        except NoScriptError:
            raise
        except (ValkeyError, OSError, UnicodeError) as trouble:
            raise self._error_of(trouble) from None
        self._pause_seconds = 0.0
        return answer

    def read(self, words: tuple[Word, ...], hear: Hear) -> None:
        """Send one command that reads, without waiting for the answers to others; `hear` is told at once, or later.

        Who waited for too long is told so, and the next ones get another connection: this one may be dead. Who waits on
        it meanwhile goes on waiting, each for its own time, for the server may have been busy only.
        """
        try:
            self._refuse_in_vain()
        except StoreUnavailableError as refused:
            hear(refused)
            return
        pipeline = self._pipeline
        if pipeline is not None and pipeline.is_open:
            pipeline.ask(words, self._deadline(), partial(self._hand_over, hear, pipeline))
            return
        self._held.append((words, hear))
        if self._opening is None:
            self._opening = asyncio.create_task(self._open_pipeline())

    def _hand_over(self, hear: Hear, pipeline: Pipeline, answer: object) -> None:
        if isinstance(answer, TimeoutError):
            self._replace_pipeline(pipeline)
            hear(StoreUnavailableError(_LATE))
        elif isinstance(answer, Exception):
            hear(self._error_of(answer))
        else:
            self._pause_seconds = 0.0
            hear(cast("Answer", answer))

    async def _open_pipeline(self) -> None:
        trouble: StoreUnavailableError | None = StoreUnavailableError(_CLOSED)  # when this is cancelled
        try:
            described = self._pool.make_connection()  # type: ignore[no-untyped-call]
            self._pipeline, trouble = await open_pipeline(described, self._deadline()), None
        except TimeoutError:
            trouble = StoreUnavailableError(_LATE)
        except (ValkeyError, OSError, UnicodeError) as failure:
            trouble = self._error_of(failure)
        finally:
            self._opening = None
            held, self._held = self._held, []
            for words, hear in held:
                if trouble is None:
                    self.read(words, hear)
                else:
                    hear(trouble)

    def _replace_pipeline(self, late: Pipeline) -> None:
        if late is self._pipeline:
            self._pipeline = None
            self._given_up = [one for one in self._given_up if one.is_open]
            self._given_up.append(late)
            late.give_up()

    def _refuse_in_vain(self) -> None:
        if self._closed:
            raise StoreUnavailableError(_CLOSED)
        if self._steady() < self._paused_until:
            raise StoreUnavailableError("the token store cannot be reached; the next try is soon")

    async def run(self, script: Script, keys: Sequence[Word], args: Sequence[Word]) -> Answer:
        """Run a script by its name, or by its text when the server has forgotten it. Raises StoreUnavailableError."""
        if script.keeps and self._disk and not _has_room(self._disk):
            raise StoreUnavailableError("the disk of the token store is full")
        try:
            return await self.command("EVALSHA", script.sha1, len(keys), *keys, *args)
        except NoScriptError:
            return await self.command("EVAL", script.text, len(keys), *keys, *args)

    async def close(self) -> None:
        """Let go of the connections. May be called twice."""
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        pipelines, self._pipeline, self._given_up = [self._pipeline, *self._given_up], None, []
        for pipeline in filter(None, pipelines):
            pipeline.close()
        await self._client.aclose()
        await self._pool.aclose()

    def _error_of(self, trouble: Exception) -> StoreUnavailableError:
        if isinstance(trouble, NoConnectionError | OSError):
            # Nobody listens: do not knock once for every waiting question. All who hear it at once are one knock.
            if self._steady() >= self._paused_until:
                self._pause_seconds = min(
                    max(self._pause_seconds * 2, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS
                )
                self._paused_until = self._steady() + self._pause_seconds
            return StoreUnavailableError(f"the token store cannot be reached ({type(trouble).__name__})")
        # The server's sentence may repeat what was sent; its first word is its code (READONLY, LOADING, OOM, ...).
        code = str(trouble).partition(" ")[0] if isinstance(trouble, ResponseError) else ""
        shown = code if code.isupper() and code.isalpha() else type(trouble).__name__
        return StoreUnavailableError(f"the token store refused a command ({shown})")


def _has_room(folder: str) -> bool:
    try:
        disk = os.statvfs(folder)
    except OSError:
        return True  # the server will say what is wrong
    return disk.f_bavail * disk.f_frsize >= LEAST_FREE_BYTES


def strange(what: str) -> StoreUnavailableError:
    """The error for an answer of another shape than the command promises."""
    return StoreUnavailableError(f"the token store gave an answer that cannot be understood ({what})")


def _pool(address: ValkeyAddress, connections: int) -> ConnectionPool:
    settings: dict[str, Any] = {
        "max_connections": connections,
        "retry": Retry(NoBackoff(), 0),  # a second try would hide a restarted server and outlive the deadline
        "socket_timeout": None,  # there is a deadline for the whole; another would be a task for each command
        "socket_connect_timeout": None,
        "protocol": 2,
        "lib_name": None,
        "lib_version": None,
    }
    if address.unix_socket:
        settings |= {"connection_class": UnixDomainSocketConnection, "path": address.unix_socket}
    else:
        settings |= parse_url(address.url)
    if address.username is not None:
        settings["username"] = address.username
    if address.password is not None:
        settings["password"] = address.password
    return ConnectionPool(**settings)
