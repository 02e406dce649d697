"""Listens on a Unix socket for HAProxy's questions.

    server = SpopServer(answerer.answer)
    await server.start(run_folder / "answer-0.sock")
    ...
    await server.close()

listener (this file)  the socket, and its connections together
conversation          one connection
room                  how many connections at a time
desk                  the questions of all connections: deadline, bounds, failures
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import socket
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sumun.answers.conversation import Conversation, ConversationLimits
from sumun.answers.desk import AnswerFunction, Counts, Desk
from sumun.answers.room import Room
from sumun.errors import SumunError

LONGEST_SOCKET_PATH: Final = 107
"""Bytes: sun_path of unix(7) has 108, the last of which is a zero."""

_NEW: Final = ".new"
_BACKLOG: Final = 4096  # connections not yet accepted: HAProxy 2.6 opens many at once
_OTHER_FILES: Final = 256  # what this process opens beside connections: stores, logs, the files of Python
_CUT_SECONDS: Final = 1.0  # for a connection that was cut to be gone

log = logging.getLogger(__name__)


class CannotListenError(SumunError):
    """The socket cannot be made: its path is too long, or the system says no."""

    code = "cannot_listen"
    exit_code = 3


@dataclass(frozen=True, slots=True)
class ListenerLimits:
    """What HAProxy, and whoever else may open the socket, can make this process hold.

    deadline_seconds   for an answer. HAProxy itself waits 500 ms (`timeout processing`) unless the configuration says
                       otherwise; an answer of ours, even an empty one, must be there before.
    questions          that wait for an answer at a time, on all connections together.
    connections        that ask at a time, as far as the process may open files. HAProxy 2.6 opens up to one for each
                       concurrent question (1,697 for 2,000, measured) unless its `server` line has a `maxconn`, and
                       keeps them for `timeout idle`; 3.4 opened 414. Each costs 2.5 KB here.
    waiting            beyond these: connections that wait for a place, and health checks.
    """

    deadline_seconds: float = 0.4
    questions: int = 4096
    connections: int = 4096
    waiting: int = 1024
    conversation: ConversationLimits = ConversationLimits()  # noqa: RUF009 - frozen


class SpopServer:
    """Answers HAProxy on one Unix socket, with one answer function, on the running event loop."""

    def __init__(self, answer: AnswerFunction, limits: ListenerLimits | None = None) -> None:
        """`answer` is called on the event loop for each question; see `desk` for what becomes of its failures."""
        self._answer = answer
        self._limits = limits or ListenerLimits()
        self._room = room_for(self._limits)
        self._desk: Desk | None = None
        self._server: asyncio.Server | None = None
        self._socket_file: SocketFile | None = None

    @property
    def counts(self) -> Counts:
        """What was seen since `start`; zeros before it."""
        return self._desk.counts if self._desk is not None else Counts()

    def answer_within(self, seconds: float) -> None:
        """Another deadline, for questions from now on."""
        self._limits = replace(self._limits, deadline_seconds=seconds)
        if self._desk is not None:
            self._desk.deadline_seconds = seconds

    async def start(self, path: Path) -> None:
        """Listens on `path`, mode 0600, in place of a socket left over there. Raises CannotListenError."""
        loop = asyncio.get_running_loop()
        limits = self._limits
        desk = Desk(self._answer, loop, most=limits.questions, deadline_seconds=limits.deadline_seconds)
        self._desk = desk
        self._socket_file = SocketFile(path)
        self._server = await loop.create_unix_server(
            lambda: Conversation(desk, limits.conversation, self._room),
            sock=self._socket_file.listening,
            backlog=_BACKLOG,
        )

    async def close(self, grace_seconds: float | None = None) -> None:
        """Stops accepting, answers what is on its way, says AGENT-DISCONNECT with status 0, closes every connection.

        What is not gone after `grace_seconds` (default: the deadline of an answer and one second) is cut.
        """
        server, self._server = self._server, None
        if server is None or self._desk is None or self._socket_file is None:
            return
        self._room.is_closing = True
        server.close()
        self._socket_file.remove()
        present = set(self._room.present)
        for conversation in present:
            conversation.finish()
        grace = self._limits.deadline_seconds + 1 if grace_seconds is None else grace_seconds
        if present:
            await asyncio.wait([conversation.gone for conversation in present], timeout=grace)
        late = set(self._room.present)
        for conversation in late:
            conversation.cut()
        if late:
            await asyncio.wait([conversation.gone for conversation in late], timeout=_CUT_SECONDS)
        self._desk.close()


def room_for(limits: ListenerLimits) -> Room[Conversation]:
    """The room that `limits` wish for, or what the limit of open files leaves of it; then it says so in the log."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    possible = max(files - _OTHER_FILES, 2)
    wanted = limits.connections + limits.waiting
    if files == resource.RLIM_INFINITY or possible >= wanted:
        return Room(limits.connections, limits.waiting)
    waiting = min(limits.waiting, possible // 4)
    room: Room[Conversation] = Room(min(limits.connections, possible - waiting), waiting)
    log.warning(
        "this process may open %d files: %d connections may ask, not %d",
        files,
        room.places,
        limits.connections,
    )
    return room


class SocketFile:
    """A listening socket under a name, mode 0600 from its first moment there."""

    def __init__(self, path: Path) -> None:
        """Makes it beside `path` and moves it there, in place of a socket left over.

        Raises CannotListenError when that fails, or when something that is no socket is in the way.
        """
        new = path.with_name(path.name + _NEW)
        if len(os.fsencode(new)) > LONGEST_SOCKET_PATH:
            longest = LONGEST_SOCKET_PATH - len(_NEW)
            raise CannotListenError(
                f"{path}: a socket's path has {longest} bytes at most; choose a shorter folder"
            )
        self._path = path
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if path.exists() and not path.is_socket():
                raise CannotListenError(f"{path}: something that is no socket is in the way; move it")
            new.unlink(missing_ok=True)
            self.listening.bind(os.fspath(new))
            new.chmod(0o600)
            if os.geteuid() == 0:  # as root, in a folder that belongs to the user of HAProxy
                os.chown(new, path.parent.stat().st_uid, path.parent.stat().st_gid)
            self.listening.listen(_BACKLOG)
            self._inode = new.stat().st_ino
            new.rename(path)
        except CannotListenError:
            self.listening.close()
            raise
        except OSError as error:
            self.listening.close()
            raise CannotListenError(f"{path}: cannot listen there: {error.strerror}") from error

    def remove(self) -> None:
        """Removes the name, unless another process listens there by now."""
        with contextlib.suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()
