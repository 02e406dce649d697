"""What every part of our own does alike: arguments, logs, plan, secrets, then dropping root, then serving.

arguments -> plan of its generation -> secrets -> prepare (bind sockets, as root) -> become run_as -> serve
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from sumun.config.plan import Plan
from sumun.errors import SumunError
from sumun.node.in_force import load_plan
from sumun.node.machine.folders import DataFolder, node_id
from sumun.node.machine.privileges import become, choose_account
from sumun.node.machine.secret_refs import Secrets
from sumun.node.processes import readiness
from sumun.node.processes.part import end_with_parent
from sumun.node.processes.preload import preload
from sumun.node.store.address import store_address
from sumun.telemetry import metrics
from sumun.telemetry.logging_setup import configure_logging
from sumun.tokens.stores.valkey_link import ValkeyAddress

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Start:
    """What a part starts with.

    reader  its process's name in the feed
    older   generations whose workers still ask, for a part that is started again
    """

    name: str
    reader: str
    index: int
    folder: DataFolder
    node: str
    generation: int
    older: tuple[int, ...]
    plan: Plan
    secrets: Secrets = field(repr=False)
    address: ValkeyAddress = field(repr=False)


Serve = Callable[[Start, Any], Coroutine[Any, Any, None]]


def run_part(kind: str, prepare: Callable[[Start], Any], serve: Serve) -> None:
    """Run one part to its end. `prepare` runs as whoever started us, `serve` after root was dropped.

    Exits 0 after SIGTERM; 3 when it cannot start, with the reason told to the supervisor.
    """
    arguments = _arguments(kind)
    name = f"{kind}-{arguments.index}" if arguments.index is not None else kind
    configure_logging(name)
    if metrics.NOT_EXPORTED_BECAUSE:
        log.warning("nobody will see the metrics of this process: %s", metrics.NOT_EXPORTED_BECAUSE)
    try:
        folder = DataFolder(arguments.data)
        plan = load_plan(folder, arguments.generation)
        secrets = Secrets.of(plan)
        address = store_address(plan, folder, secrets)
        start = Start(
            name=name,
            reader=_reader(name, plan, folder),
            index=arguments.index or 0,
            folder=folder,
            node=node_id(folder),
            generation=arguments.generation,
            older=tuple(arguments.older),
            plan=plan,
            secrets=secrets,
            address=address,
        )
        prepared = prepare(start)
        account = choose_account(plan.node.run_as)
        if account is not None:
            preload()
        become(account)
        end_with_parent()
        collect_seldom()
        uvloop.run(serve(start, prepared))
    except SumunError as error:
        log.error("%s: %s", error.code, error)
        readiness.announce_failure(str(error))
        sys.exit(3)
    except Exception as error:
        log.exception("this part ends")
        readiness.announce_failure(f"{type(error).__name__}; its log says more")
        sys.exit(3)


def _reader(name: str, plan: Plan, folder: DataFolder) -> str:
    """No two living processes have one name, although data folders may be copied, `node-id` and all.

    Who is started again in the same life takes the place of the one before, which is dead. A node with a store of its
    own does so in another life too: nobody else reads there.
    """
    return name if plan.node.store is None else f"{name}:{folder.life.read_text()}"


def collect_seldom() -> None:
    """Have the garbage collector leave alone what is loaded, and look for cycles after 50,000 new objects, not 700.

    A request makes dozens and almost none of them is in a cycle. Each look walks through all that is under way: an
    eighth of an answering process's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


async def serve_until_terminated(*tasks: asyncio.Task[Any]) -> None:
    """Return after SIGTERM, or raise what one of the tasks ended with. The tasks are cancelled and waited for."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    told = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait((told, *tasks), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (told, *tasks):
            task.cancel()
        await asyncio.gather(told, *tasks, return_exceptions=True)


def _arguments(kind: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"sumun part {kind}")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--generation", type=int, required=True)
    parser.add_argument("--older", type=int, action="append", default=[])
    parser.add_argument("--index", type=int)
    return parser.parse_args()
