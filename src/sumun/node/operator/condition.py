"""Looks at a running node from its machine: its supervisor, its parts, and the services behind it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from sumun.config.plan import Plan, Service
from sumun.node.errors import NodeError
from sumun.node.in_force import load_plan
from sumun.node.machine.folders import DataFolder, is_running
from sumun.node.processes import health
from sumun.node.processes.control import ControlError, SaidNoError, ask
from sumun.node.processes.health import NodeStatus, Trouble

_SECONDS = 3.0
"""For an answer of a part; it looks at the store and the directory meanwhile."""

NOT_READY = "not_ready"
NO_ANSWER = "no_answer"
NO_CONNECTION = "no_connection"


@dataclass(frozen=True, slots=True)
class Ill:
    """What is wrong with whom: a part, `the service NAME`, or `the configuration`."""

    who: str
    trouble: Trouble


@dataclass(frozen=True, slots=True)
class Condition:
    """A node at one moment. `plan` is the one in force."""

    status: NodeStatus
    plan: Plan
    ill: tuple[Ill, ...]


async def look_at(folder: DataFolder) -> Condition:
    """Ask everybody, all at once. Raises NodeError (the node does not run, or is starting), ControlError."""
    if not is_running(folder):
        raise NodeError(
            f"no gateway runs on {folder.root}; start it with `sumun run`, or name its folder with --data"
        )
    try:
        status = health.node_status(await ask(folder.control_socket("supervisor"), "status", _SECONDS))
    except ControlError as error:
        raise NodeError(f"the gateway on {folder.root} is starting, stopping or stuck: {error}") from None
    plan = load_plan(folder, status.generation)
    parts, services = await asyncio.gather(_parts(folder, status), _services(plan.services.values()))
    return Condition(status, plan, (*parts, *services))


async def _parts(folder: DataFolder, status: NodeStatus) -> list[Ill]:
    ill: list[Ill] = []
    asked: list[str] = []
    for part in status.parts:
        if not part.ready:
            ill.append(Ill(part.name, Trouble(NOT_READY, f"ended ({part.ended}), and starts again")))
        elif folder.control_socket(part.name).exists():
            asked.append(part.name)
    for name, found in zip(
        asked, await asyncio.gather(*(_troubles(folder, name) for name in asked)), strict=True
    ):
        ill += [Ill(name, trouble) for trouble in found]
    return ill


async def _troubles(folder: DataFolder, part: str) -> list[Trouble]:
    try:
        return health.troubles(await ask(folder.control_socket(part), "health", _SECONDS))
    except (ControlError, SaidNoError, msgspec.DecodeError) as error:
        return [Trouble(NO_ANSWER, str(error))]


async def _services(services: Iterable[Service]) -> list[Ill]:
    return [found for found in await asyncio.gather(*map(_service, services)) if found is not None]


async def _service(service: Service) -> Ill | None:
    """None when at least one of its servers takes a connection."""
    seconds = service.connect_timeout_ms / 1000
    reached = await asyncio.gather(*(_why_not(host, port, seconds) for host, port in service.servers))
    if not all(reached):
        return None
    said = "; ".join(dict.fromkeys(reached))
    return Ill(
        f"the service {service.id}", Trouble(NO_CONNECTION, f"takes no connection: {said} ({service.where})")
    )


async def _why_not(host: str, port: int, seconds: float) -> str:
    """Empty when it takes a connection."""
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return f"{host}:{port} does not answer within {seconds:g} s"
    except OSError as error:
        # asyncio's own text repeats the address in its own way.
        return f"{host}:{port}: {_os_words(error)}"
    writer.close()
    return ""


def _os_words(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno and error.errno > 0 else str(error)
