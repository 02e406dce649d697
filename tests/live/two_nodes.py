"""Two sumuns that share a Valkey (TCP, user and password) and a PostgreSQL (TCP, password); B's links can be cut.

A ------------------------> Valkey, PostgreSQL <------- relay ------- B
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.contracts import postgres
from tests.live.kept_world import World, at_work, config, echo_service
from tests.live.node_under_test import NodeUnderTest, node_folder, until
from tests.live.ports import free_port
from tests.live.tcp_relay import TcpRelay, relayed
from tests.live.valkey_server import PASSWORD, ValkeyServer, running_valkey

ISSUER = "https://shop.test"


@dataclass(frozen=True, slots=True)
class Pair:
    """The two nodes and what they share. The links are B's."""

    a: NodeUnderTest
    b: NodeUnderTest
    service: int
    valkey: ValkeyServer
    to_valkey: TcpRelay
    to_postgres: TcpRelay
    another: Callable[[Path], NodeUnderTest] = field(repr=False)
    """A third node in this folder, not started."""


@contextmanager
def two_nodes(more: str = "", **settings: object) -> Iterator[Pair]:
    """Both started at once on an empty store and an empty database; both must end well. `more`: of the configuration."""
    with ExitStack() as stack:
        postgres_port = free_port()
        server = stack.enter_context(postgres.running(postgres_port))
        valkey_folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="smn-", dir="/tmp"))
        valkey = stack.enter_context(running_valkey(Path(valkey_folder), free_port()))
        to_valkey = stack.enter_context(relayed(valkey.port))
        to_postgres = stack.enter_context(relayed(postgres_port))
        service = stack.enter_context(echo_service())
        database = server.new_database()
        direct, cut = (valkey.port, postgres_port), (to_valkey.port, to_postgres.port)

        def another(folder: Path, ports: tuple[int, int] = direct) -> NodeUnderTest:
            return _node(folder, service, database, ports, {"more": f"issuer: {ISSUER}\n{more}", **settings})

        a, b = (another(stack.enter_context(node_folder()), ports) for ports in (direct, cut))
        try:
            for node in (a, b):
                node.launch()
            for node in (a, b):
                until(lambda node=node: "ready on" in node.log() and node.healthy(), 40, node.log())
            yield Pair(a, b, service, valkey, to_valkey, to_postgres, another)
        finally:
            ended = [node.stop() for node in (a, b) if node.process is not None]
        assert ended == [0, 0]
        for node in (a, b):
            assert "Traceback" not in node.log(), node.log()[-4000:]


def _node(
    folder: Path, service: int, database: str, ports: tuple[int, int], settings: dict[str, object]
) -> NodeUnderTest:
    node = NodeUnderTest(data=folder / "data")
    node.config = folder / "sumun.yaml"
    secrets = {
        "store.url": f"valkey://sumun:{PASSWORD}@127.0.0.1:{ports[0]}/0",
        "directory.url": f"postgresql://{postgres.ROLE}:{postgres.PASSWORD}@127.0.0.1:{ports[1]}/{database}",
        "jobs.secret": "jobs-secret-of-the-test",
    }
    for name, text in secrets.items():
        (folder / name).write_text(f"{text}\n")
        (folder / name).chmod(0o600)
    shared = 'store: "file:store.url", directory: "file:directory.url", '
    node.config.write_text(config(node.port, service, node=shared, **settings))
    return node


@asynccontextmanager
async def at_work_on_both(pair: Pair) -> AsyncIterator[tuple[World, World]]:
    """The operator's links to both, and callers that are closed in the end."""
    async with at_work(pair.a, pair.service) as a, at_work(pair.b, pair.service) as b:
        yield a, b
