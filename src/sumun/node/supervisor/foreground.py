"""A node in the foreground: it runs until a signal ends it, and reloads when it is told to or the file was written."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from sumun.errors import SumunError
from sumun.node.supervisor.node import Node
from sumun.node.supervisor.watch import say_why_not, watch

log = logging.getLogger(__name__)


async def run_node(source: Path, data: Path, log_file: Path | None = None, *, watched: bool = False) -> None:
    """Run a node until SIGTERM, SIGINT or SIGHUP. Raises SumunError when it cannot start.

    `watched`: a configuration that is written is brought to life.
    """
    output = (
        None
        if log_file is None
        else os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    )
    node = Node(source, data, output)
    stop = stop_event()
    starting = asyncio.create_task(node.start())
    stopping = asyncio.create_task(stop.wait())
    tasks: list[asyncio.Task[object]] = [starting, stopping]
    try:
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            _reload_on_hangup(node)
            if watched:
                watching = watch(source, node.written, node.reload)
                tasks.append(asyncio.create_task(watching, name="watch the configuration"))
            await stopping
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await node.stop()
        if not starting.cancelled() and starting.exception() is None:
            log.info("stopped")


def _reload_on_hangup(node: Node) -> None:
    """SIGHUP reloads, as it does for most servers; unless a terminal is there to hang up: then it stops us."""
    if sys.stdin is not None and sys.stdin.isatty():
        return
    loop = asyncio.get_running_loop()
    reloading: set[asyncio.Task[None]] = set()

    async def reload() -> None:
        try:
            await node.reload()
        except SumunError as error:
            say_why_not(error)

    def hear() -> None:
        task = asyncio.ensure_future(reload())
        reloading.add(task)
        task.add_done_callback(reloading.discard)

    loop.add_signal_handler(signal.SIGHUP, hear)


def stop_event() -> asyncio.Event:
    """An event that SIGINT, SIGTERM and SIGHUP (the terminal was closed) set. The second one changes nothing: the stop
    is under way. SIGHUP that was ignored from the start stays so: that is what nohup asks for.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop.set)
    return stop
