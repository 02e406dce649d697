"""A node whose calls are watched from outside: who was let in, and by what (kept or asked), while an operator changes things.

World     a running node, a service behind it, an operator, its access log
Caller    one keep-alive connection
Looped    a token that is called again and again, and what is expected of it
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes, token_hex

from sumun.changes import Applied, Changes
from sumun.directory import Directory, Held, NewUser
from sumun.haproxy.paths import RuntimePaths
from sumun.haproxy.runtime import RuntimeSocket
from sumun.identity import ANYTHING, Permission, Subject
from sumun.node.assemble.shared import Shared
from sumun.node.operator.issue_by_hand import Wish, issue_by_hand
from sumun.node.operator.opened import open_for_operator
from sumun.tokens.mint import OPAQUE_RANDOM_BYTES, Grant, mint_opaque
from tests.live.demo_node import SOURCES
from tests.live.node_under_test import NodeUnderTest, node_folder

ACTOR = "cli:test"
LEASE_SECONDS = 3

_CONFIG = """\
listen: 127.0.0.1:{port}
{more}node: {{{node}haproxy_threads: {threads}, answerers: 2, kept_facts: {facts}}}
outage: {{serve_known_for: {lease}s}}
limits: {{decision_timeout: 2s, request_timeout: 30s, wrong_tokens_per_source: 1000000, old_workers: {old_workers}{limits}}}
services:
  shop: {{url: http://127.0.0.1:{service}, response_timeout: {patience}s}}
roles:
  reader: ["{reader}"]
  writer: ["item:read", "item:write"]
routes:
  - {{path: /items, methods: [GET], service: shop, require: item:read}}
  - {{path: /items, methods: [POST], service: shop, require: item:write}}
  - {{path: "/items/{{id}}", methods: [GET], service: shop, require: item:read}}
  - {{path: /events, methods: [GET], service: shop, require: item:read}}
  - {{path: /extra, methods: [GET], service: shop, require: item:extra}}
{routes}clients:
  - {{id: app, kind: public, first_party: true, grants: [password], scopes: ["*:*"], token: opaque, may_ask_for: [jwt],
      lifetime: 1h{app}}}
  - {{id: web, kind: public, first_party: true, grants: [authorization_code, refresh_token],
      redirect_uris: ["http://127.0.0.1/back"]}}
  - {{id: jobs, kind: confidential, secret: "file:jobs.secret", grants: [client_credentials],
      permissions: ["item:read"], scopes: ["item:read"], lifetime: 1h}}
"""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `id` is the request's, as in the access log; names of `fields` are lower case."""

    status: int
    id: str
    body: bytes
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def seen(self) -> list[list[str]]:
        """The fields that the service received."""
        found: list[list[str]] = json.loads(self.body)
        return found


class Caller:
    """One keep-alive connection to the gateway. Makes it again when the gateway closed it between two requests."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        """`source` is the address that it calls from, one of loopback."""
        self._port = port
        self._source = source
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.connections = 0

    async def call(self, token: str, method: str = "GET", path: str = "/items", *lines: str) -> Reply:
        """One request. Raises OSError, asyncio.IncompleteReadError: the connection broke."""
        await self.begin(f"{method} {path} HTTP/1.1\r\n")
        return await self.finish(token, *lines)

    async def begin(self, text: str) -> None:
        """The beginning of a request's head."""
        if self._stream is None or self._stream[0].at_eof():
            await self.close()
            self._stream = await asyncio.open_connection(
                "127.0.0.1", self._port, local_addr=(self._source, 0)
            )
            self.connections += 1
        self._stream[1].write(text.encode())

    async def finish(self, token: str, *lines: str) -> Reply:
        """The rest of the head, and the answer."""
        assert self._stream is not None
        reader, writer = self._stream
        rest = ["Host: shop.test", f"Authorization: Bearer {token}", *lines]
        writer.write("".join(f"{line}\r\n" for line in (*rest, "")).encode())
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            fields = {k.lower(): v for k, v in (line.split(": ", 1) for line in head[1:] if ": " in line)}
            body = await reader.readexactly(int(fields.get("content-length", "0")))
        except (OSError, asyncio.IncompleteReadError):
            await self.close()
            raise
        status = int(head[0].split(" ")[1])
        endless = "content-length" not in fields
        if endless or fields.get("connection", "").lower() == "close":
            await self.close()
        return Reply(status, fields.get("x-request-id", ""), body, fields)

    async def close(self) -> None:
        """Close the connection; the next call makes another."""
        if self._stream is not None:
            self._stream[1].close()
            with contextlib.suppress(OSError):
                await self._stream[1].wait_closed()
            self._stream = None


class AccessLog:
    """Which backend a request went to, by its id."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size
        self._rest = b""
        self._backends: dict[str, str] = {}

    def _read(self) -> None:
        with self._path.open("rb") as file:
            file.seek(self._offset)
            read = file.read()
        self._offset += len(read)
        *lines, self._rest = (self._rest + read).split(b"\n")
        for line in lines:
            if not line.startswith(b"{"):  # HAProxy's own notices (docs/logs.md)
                continue
            one = json.loads(line)
            self._backends[one["id"]] = one["be"]

    async def backend(self, reply: Reply, seconds: float = 60.0) -> str:
        """Its backend: `known.shop` was kept, `ask.shop` was asked. The line is written as the answer ends."""
        async with asyncio.timeout(seconds):
            while True:
                self._read()
                if reply.id in self._backends:
                    return self._backends[reply.id]
                await asyncio.sleep(0.005)

    def drain(self) -> dict[str, str]:
        """Everything since the last time."""
        self._read()
        found, self._backends = self._backends, {}
        return found


@dataclass
class World:
    """The running node and the operator at work on it."""

    node: NodeUnderTest
    shared: Shared
    log: AccessLog
    service: int
    callers: list[Caller] = field(default_factory=list)

    @property
    def changes(self) -> Changes:
        return self.shared.changes

    @property
    def directory(self) -> Directory:
        return self.shared.directory

    def caller(self, source: str = "127.0.0.1") -> Caller:
        """A new keep-alive connection."""
        self.callers.append(Caller(self.node.port, source))
        return self.callers[-1]

    async def person(self, *roles: str, name: str = "") -> str:
        """A new person; the id."""
        user = f"p-{token_hex(6)}"
        await self.changes.add_user(NewUser(user, name or user, "local", held(*roles), "x" * 20), actor=ACTOR)
        return user

    async def token(
        self,
        user: str | None,
        kind: str = "opaque",
        *,
        client: str = "app",
        own: Held | None = None,
        scopes: tuple[str, ...] = (),
    ) -> str:
        """An access token."""
        wish = Wish(user, client, scopes, None, kind, own, "", ACTOR)
        return await issue_by_hand(self.shared.in_force.plan, self.directory, self.shared.stores.tokens, wish)

    async def keep(self, token: str, caller: Caller, method: str = "GET", path: str = "/items") -> Reply:
        """Call until the call is known without a question; the reply that proves it.

        A row that a change has made stale is in the way of its renewal until enough questions were asked: many calls.
        """
        async with asyncio.timeout(60):
            calls = 1
            while True:
                replies = [await caller.call(token, method, path) for _ in range(calls)]
                assert {one.status for one in replies} == {200}, replies
                reply = replies[-1]
                with contextlib.suppress(
                    TimeoutError
                ):  # two threads of HAProxy may lose a line (docs/logs.md)
                    if await self.log.backend(reply, 1.0) == "known.shop":
                        return reply
                await asyncio.sleep(0.01)
                calls = min(calls * 2, 200)

    async def many_tokens(self, user: str, count: int) -> list[str]:
        """So many opaque tokens of one person, without an audit record each."""
        grant = Grant(
            Subject.user(user), "app", frozenset({ANYTHING}), frozenset(), frozenset(), 0, 0, client_epoch=0
        )
        made = [
            mint_opaque(grant, now=time.time(), lifetime_seconds=600, random=token_bytes(OPAQUE_RANDOM_BYTES))
            for _ in range(count)
        ]
        for begin in range(0, count, 16):  # each has a quarter of a second, in which a busy disk keeps few
            await asyncio.gather(
                *(self.shared.stores.tokens.put(d, r) for _, d, r in made[begin : begin + 16])
            )
        return [token for token, _, _ in made]

    async def rows(self) -> dict[str, int]:
        """How many rows the worker's maps have, by file."""
        run = self.node.data / "run"
        said = await RuntimeSocket(RuntimePaths(run, self.node.data).runtime).ask("show map")
        return {
            Path(name).name: int(count) for name, count in re.findall(r"\((\S+?)\).*entry_cnt=(\d+)", said)
        }

    async def lines_lost(self) -> int:
        """Lines of the access log that the worker in force could not write."""
        run = self.node.data / "run"
        said = await RuntimeSocket(RuntimePaths(run, self.node.data).runtime).ask("show info")
        return int(re.findall(r"DroppedLogs: (\d+)", said)[0])

    async def write_config(self, **changed: object) -> None:
        """Another configuration; in force after `reload`."""
        changed = {"patience": self.patience, **changed}
        self.node.config.write_text(config(self.node.port, self.service, **changed))

    @property
    def patience(self) -> int:
        """As it stands in the configuration."""
        return int(re.findall(r"response_timeout: (\d+)s", self.node.config.read_text())[0])

    async def reload(self) -> tuple[int, str]:
        """`sumun reload`: exit code and what it said."""
        done = await asyncio.to_thread(self.node.sumun, "reload", "--data", str(self.node.data))
        return done.returncode, done.stdout + done.stderr

    async def replace_worker(self, **changed: object) -> tuple[int, str]:
        """The same with a configuration that needs a new worker of HAProxy."""
        await self.write_config(patience=self.patience + 1, **changed)
        return await self.reload()

    def workers(self) -> list[int]:
        """HAProxy's workers, the oldest first."""
        master = self.node.part("haproxy")
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    stat = (entry / "stat").read_text().rpartition(")")[2].split()
                    if int(stat[1]) == master and stat[0] != "Z":
                        found.append((int(stat[19]), int(entry.name)))
        return [pid for _, pid in sorted(found)]

    def part(self, name: str) -> int:
        """A part's process id: `keeper`, `answer-0`."""
        kind, _, index = name.partition("-")
        wanted = f"sumun.node.parts.{kind} "
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    if (
                        wanted in words
                        and str(self.node.data) in words
                        and (not index or words.rstrip().endswith(f"--index {index}"))
                    ):
                        return int(entry.name)
        raise ProcessLookupError(name)

    def process(self, name: str) -> int:
        """A process id by name: a part's, the newest `worker`'s, HAProxy's master's (`haproxy`), the `supervisor`'s."""
        if name == "supervisor":
            assert self.node.process is not None
            return self.node.process.pid
        if name == "worker":
            return self.workers()[-1]
        return self.node.part(name) if name in ("valkey", "haproxy") else self.part(name)

    def kill(self, name: str) -> None:
        """kill -9."""
        os.kill(self.process(name), signal.SIGKILL)


def held(*roles: str, permissions: tuple[str, ...] = ()) -> Held:
    """Roles and permissions."""
    return Held(frozenset(roles), frozenset(map(Permission.parse, permissions)))


def config(
    port: int,
    service: int,
    *,
    threads: object = 2,
    lease: object = LEASE_SECONDS,
    reader: object = "item:read",
    facts: object = 100_000,
    node: object = "",
    app: object = "",
    more: object = "",
    limits: object = "",
    patience: object = 30,
    old_workers: object = 8,
    routes: tuple[str, ...] = (),
) -> str:
    """The configuration's text; `node` is more of `node:`, `app` of the client, `more` lines of their own, `limits` more of `limits:`.

    Another `patience` needs a new worker of HAProxy, other `routes` and `reader` do not.
    """
    return _CONFIG.format(
        port=port,
        service=service,
        threads=threads,
        lease=lease,
        reader=reader,
        facts=facts,
        node=node,
        app=app,
        more=more,
        limits=limits,
        patience=patience,
        old_workers=old_workers,
        routes="".join(f"  - {{{one}, service: shop}}\n" for one in routes),
    )


@contextmanager
def echo_service() -> Iterator[int]:
    """The service as a process of its own; gives its port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1024)
        port: int = listening.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.live.echo_service", str(listening.fileno())],
            pass_fds=[listening.fileno()],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": SOURCES},
            start_new_session=True,
        )
    try:
        yield port
    finally:
        process.kill()
        process.wait()


@contextmanager
def running_node(
    text: Callable[..., str] = config, *, environment: Mapping[str, str] | None = None, **settings: object
) -> Iterator[tuple[NodeUnderTest, int]]:
    """A node and its service's port; it must end well. `settings` are those of `config`, or of another `text`."""
    with node_folder() as folder, echo_service() as service:
        node = NodeUnderTest(data=folder / "data", environment=environment or {})
        node.config = folder / "sumun.yaml"
        node.config.write_text(text(node.port, service, **settings))
        secret = folder / "jobs.secret"
        secret.write_text("jobs-secret-of-the-test\n")
        secret.chmod(0o600)
        node.start()
        try:
            yield node, service
        finally:
            assert node.stop() == 0
            assert "Traceback" not in node.log(), node.log()[-4000:]


@asynccontextmanager
async def at_work(node: NodeUnderTest, service: int) -> AsyncIterator[World]:
    """The operator's link to the node, and callers that are closed in the end."""
    async with open_for_operator(node.data) as shared:
        world = World(node, shared, AccessLog(node.data / "log" / "access.log"), service)
        try:
            yield world
        finally:
            for caller in world.callers:
                await caller.close()


Work = Callable[[World], Awaitable[None]]


def run(node: NodeUnderTest, service: int, work: Work) -> None:
    """Do this work on the running node."""

    async def whole() -> None:
        async with at_work(node, service) as world:
            await work(world)

    asyncio.run(whole())


def confirmed(applied: Applied) -> None:
    """Everybody has applied it."""
    assert applied.n is not None
    assert not applied.unconfirmed, applied
