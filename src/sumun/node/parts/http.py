"""The HTTP process: the OAuth server and the metrics, behind HAProxy, on a unix socket.

It also carries the outbox to the feed, retires signing keys whose time has come, tells clients of ended sessions, and
keeps room on the disk for the embedded store.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import AsyncExitStack

import uvicorn

from sumun.changes import Changes
from sumun.errors import OutageError
from sumun.node.assemble.back_channel import open_back_channel
from sumun.node.assemble.following import Following
from sumun.node.assemble.shared import open_shared
from sumun.node.machine.privileges import choose_account
from sumun.node.machine.unix_socket import bind_unix
from sumun.node.parts.head_only import HeadOnlyProtocol
from sumun.node.parts.program import Start, run_part, serve_until_terminated
from sumun.node.parts.site import Site
from sumun.node.processes.control import ControlServer
from sumun.node.processes.health import answers_health, in_touch
from sumun.node.processes.readiness import announce_ready
from sumun.node.store.room import keep_room

log = logging.getLogger(__name__)

_RETIRE_EVERY_SECONDS = 30.0
_KEEP_ALIVE_SECONDS = 75  # longer than HAProxy keeps an idle connection, so that HAProxy is who closes
_GRACE_SECONDS = 5


class _Server(uvicorn.Server):
    """uvicorn whose signals are ours, and that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    async def serve_quietly(self, listening: socket.socket) -> None:
        """Serve until `should_exit`, without uvicorn's signal handlers."""
        await self._serve([listening])


def bind(start: Start) -> socket.socket:
    """The listening socket, for its owner alone (and HAProxy, which runs as the same user)."""
    return bind_unix(start.folder.http_socket, choose_account(start.plan.node.run_as))


async def serve(start: Start, listening: socket.socket) -> None:
    """Serve until SIGTERM; then finish what is under way."""
    async with (
        AsyncExitStack() as stack,
        open_shared(start.plan, start.folder, start.node, start.secrets, start.address) as shared,
    ):
        following = Following(shared, start.node, start.reader)
        site = Site(start.folder, shared, following)
        stack.push_async_callback(site.close)
        await site.build(start.generation, start.plan, start.secrets)
        await site.adopt(str(start.generation))
        control = ControlServer(
            start.folder.control_socket(start.name),
            {
                "learn": site.learn,
                "adopt": site.adopt,
                "retire": site.retire,
                "health": answers_health(
                    in_touch(following.memory), shared.stores.feed.head, shared.truth.keys
                ),
            },
        )
        await control.start()
        stack.push_async_callback(control.close)
        back_channel = await stack.enter_async_context(open_back_channel(shared, following))
        server = _Server(_configuration(site))
        serving = asyncio.create_task(server.serve_quietly(listening))
        try:
            await serve_until_terminated(
                asyncio.create_task(following.news.run()),
                asyncio.create_task(shared.changes.relay_forever()),
                asyncio.create_task(_retire_keys(shared.changes)),
                asyncio.create_task(back_channel.tell_forever()),
                asyncio.create_task(_announce(server, following)),
                *_for_our_own_store(start),
            )
        finally:
            server.should_exit = True
            await serving


def _configuration(site: Site) -> uvicorn.Config:
    return uvicorn.Config(
        site,
        http=HeadOnlyProtocol,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _for_our_own_store(start: Start) -> list[asyncio.Task[None]]:
    if start.plan.node.store is not None:
        return []
    return [asyncio.create_task(keep_room(start.folder.valkey, start.address))]


async def _announce(server: _Server, following: Following) -> None:
    """Say that we are ready, and stay: a task that ends would end the part."""
    await server.listening.wait()
    await following.news.wait_ready()
    announce_ready()
    await asyncio.Event().wait()


async def _retire_keys(changes: Changes) -> None:
    while True:
        await asyncio.sleep(_RETIRE_EVERY_SECONDS)
        try:
            await changes.retire_due_keys()
        except OutageError as outage:
            log.warning("keys could not be retired now: %s", outage)


def main() -> None:
    """Run the part."""
    run_part("http", bind, serve)


if __name__ == "__main__":
    main()
