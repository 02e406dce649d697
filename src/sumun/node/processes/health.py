"""How a node is, as its processes say it over their control sockets (`control.py`): values, and JSON between them.

status      the supervisor: NodeStatus, its parts as processes
health      a part of our own: the Troubles that it has at this moment, found by looking
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import msgspec

from sumun import __version__
from sumun.errors import OutageError
from sumun.node.processes.control import Handler
from sumun.node.processes.part import Part
from sumun.recognition import Memory, steady_seconds

Look = Callable[[], Awaitable[object]]
"""Asks a neighbour for something small. Raises OutageError."""


class Trouble(msgspec.Struct, frozen=True):
    """One thing that is wrong. `code` is one of docs/operations.md."""

    code: str
    words: str


class PartStatus(msgspec.Struct, frozen=True):
    """A part as a process. `pid` None: there is none now. `ready`: it works since `since` (unix seconds); otherwise
    it ended then, and starts again. `ended`: how it ended last, or empty.
    """

    name: str
    pid: int | None
    ready: bool
    since: float
    restarts: int
    ended: str = ""


class NodeStatus(msgspec.Struct, frozen=True):
    """What the supervisor says. `changed`: the file is another by now."""

    version: str
    configuration: str
    generation: int
    changed: bool
    supervisor: int
    parts: list[PartStatus]


def supervised(source: Path, generation: int, parts: Iterable[Part], *, changed: bool) -> NodeStatus:
    """What the supervisor of these parts says."""
    told = [
        PartStatus(one.spec.name, one.pid, one.ready, one.since, one.restarts, one.ended) for one in parts
    ]
    return NodeStatus(__version__, str(source.absolute()), generation, changed, os.getpid(), told)


def encode(value: msgspec.Struct | list[Trouble]) -> str:
    """For the wire."""
    return msgspec.json.encode(value).decode()


def node_status(text: str) -> NodeStatus:
    """From the wire. Raises msgspec.DecodeError."""
    return msgspec.json.decode(text, type=NodeStatus)


def troubles(text: str) -> list[Trouble]:
    """From the wire. Raises msgspec.DecodeError."""
    return msgspec.json.decode(text, type=list[Trouble])


def in_touch(memory: Memory) -> Look:
    """A look at the memory: may it still be believed?"""

    async def look() -> None:
        memory.require_trust(steady_seconds())

    return look


def answers_health(*looks: Look) -> Handler:
    """The handler of `health`: looks at each neighbour, one after the other; each kind of trouble is named once."""

    async def answer(_words: str) -> str:
        found: dict[str, Trouble] = {}
        for look in looks:
            try:
                await look()
            except OutageError as outage:
                found.setdefault(outage.code, Trouble(outage.code, str(outage)))
        return encode(list(found.values()))

    return answer
