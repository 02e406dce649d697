"""What callers see while parts die, hang and come back, and what is left when it all ends. Everything from outside."""

from __future__ import annotations

import os
import signal
import socket
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import grpc
import pytest
import websockets.sync.client
from websockets.exceptions import ConnectionClosed

from sumun.demo.settings import SERVICES
from sumun.tokens import format as token_format
from tests.live.node_under_test import (
    BATCH_SECRET,
    STAFF_SECRET,
    NodeUnderTest,
    about,
    command_line,
    gone,
    node_folder,
    password_grant,
    shop_services,
    until,
    write_config,
)

UNKNOWN = token_format.new()
"""Looks as ours do and was never issued: whoever judges it has to ask the store."""

JWT = "urn:ietf:params:oauth:token-type:jwt"
GROUP = "47110815"
"""A supplementary group of the supervisor, when root runs the tests."""

PARTS = ("answer", "haproxy", "http", "keeper", "valkey", "worker")


@dataclass
class Tokens:
    """What was acknowledged before bad things happen."""

    good: str
    jwt: str
    revoked: Sequence[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with node_folder() as made:
        yield made


@pytest.fixture(scope="module")
def node(folder: Path, haproxy: Path) -> Iterator[NodeUnderTest]:
    """One running gateway for all tests of this file; one secret from a file, one from the environment."""
    program = folder / "haproxy"
    program.symlink_to(haproxy)
    node = NodeUnderTest(data=folder / "data")
    node.environment = {"STAFF": STAFF_SECRET, "HAPROXY": str(program)}
    if os.geteuid() == 0:
        node.before = ["setpriv", "--groups", GROUP]
    with shop_services(node.issuer) as ports:
        node.config = write_config(folder, node.port, ports)
        node.config.write_text(node.config.read_text().replace("file:staff.secret", "env:STAFF"))
        with node.running():
            node.add_person("alice", "admin")
            yield node


@pytest.fixture(scope="module")
def tokens(node: NodeUnderTest) -> Tokens:
    """Tokens of both kinds, good ones and revoked ones."""
    revoked = [node.log_in("alice"), node.log_in("alice", requested_token_type=JWT)]
    for token in revoked:
        assert node.form("/oauth/revoke", {"client_id": "shop-app", "token": token}).status == 200
    return Tokens(node.log_in("alice"), node.log_in("alice", requested_token_type=JWT), revoked)


class Callers:
    """Good and bad callers who do not stop while something is done to the node."""

    def __init__(self, node: NodeUnderTest, tokens: Tokens) -> None:
        self._node = node
        self._credentials = {
            "good": tokens.good,
            "jwt": tokens.jwt,
            "unknown": UNKNOWN,
            "revoked": tokens.revoked[0],
        }
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(who,)) for who in self._credentials]
        self.seen: dict[str, list[object]] = {who: [] for who in self._credentials}

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _call(self, who: str) -> None:
        while not self._stop.is_set():
            try:
                answer = self._node.call("GET", "/products", self._credentials[who])
            except (OSError, EOFError) as error:  # no one listens for a moment, or the connection was cut
                self.seen[who].append(type(error))
            else:
                waits = answer.status != 503 or "retry-after" in answer.headers
                self.seen[who].append(answer.status if waits else "503 without Retry-After")
            time.sleep(0.005)

    def statuses(self, who: str) -> set[object]:
        """The statuses that this caller was answered with."""
        return {one for one in self.seen[who] if not isinstance(one, type)}


def works(node: NodeUnderTest, tokens: Tokens) -> bool:
    """Everything is as it should be: old tokens of both kinds, a new login, junk and revoked ones refused."""
    return (
        [node.call("GET", "/products", token).status for token in (tokens.good, tokens.jwt)] == [200, 200]
        and {node.call("GET", "/products", token).status for token in (UNKNOWN, *tokens.revoked)} == {401}
        and node.form("/oauth/token", password_grant("alice")).status == 200
        and node.healthy()
    )


def test_root_is_dropped(node: NodeUnderTest) -> None:
    """Only the supervisor and HAProxy's master may be root; all others are one ordinary user without groups."""
    assert node.process is not None
    masters = {node.process.pid, node.part("haproxy")}
    seen = set()
    for pid in node.family() - masters:
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        uids, gids = set(status["Uid"].split()), set(status["Gid"].split())
        seen.add((*uids, *gids))
        assert len(uids) == len(gids) == 1, f"{command_line(pid)} can become somebody else"
        assert "0" not in uids | gids, f"{command_line(pid)} is root"
        if os.geteuid() == 0:
            assert status["Groups"].split() == [], f"{command_line(pid)} kept groups"
            assert GROUP in Path(f"/proc/{node.process.pid}/status").read_text(), "there was no group to drop"
    assert len(seen) == 1
    assert len(node.family() - masters) == len(PARTS) - 1


def test_sockets_are_closed_to_others(node: NodeUnderTest) -> None:
    """Socket files are 0600 in a folder closed to others, and TCP is listened on at the three configured addresses only."""
    run = node.data / "run"
    assert not stat.S_IMODE(run.stat().st_mode) & 0o007
    assert not stat.S_IMODE(node.data.stat().st_mode) & 0o007
    sockets = {path.name: stat.S_IMODE(path.stat().st_mode) for path in run.iterdir() if path.is_socket()}
    assert {"answer-0.sock", "http.sock", "valkey.sock", "haproxy.sock", "master.sock"} <= set(sockets)
    assert set(sockets.values()) == {0o600}
    assert listening_ports(node.family()) == {node.port, node.port + 1, node.port + 2}


def listening_ports(pids: set[int]) -> set[int]:
    """The TCP ports that these processes listen on."""
    inodes = set()
    for pid in pids:
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            target = str(fd.readlink()) if fd.is_symlink() else ""
            if target.startswith("socket:["):
                inodes.add(target.removeprefix("socket:[").removesuffix("]"))
    rows = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return {int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and row[9] in inodes}


def test_no_secret_in_a_command_line_or_an_environment(node: NodeUnderTest) -> None:
    """Secrets read from files stand in no process's words; one from the environment only in those of sumun itself."""
    password = (node.data / "run" / "valkey.password").read_text()
    others = {node.part(name) for name in ("valkey", "haproxy", "worker")}
    for pid in node.family():
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        for secret in (BATCH_SECRET, password, "alice-demo-pass"):
            assert secret.encode() not in words + environment
        assert STAFF_SECRET.encode() not in words
        if pid in others:
            assert STAFF_SECRET.encode() not in environment, f"{words!r} inherited a secret"


def test_parts_cannot_write_what_root_reads(node: NodeUnderTest) -> None:
    """HAProxy's master reads its configuration as root: the user of the parts cannot replace any of it."""
    if os.geteuid() != 0:
        assert node.data.stat().st_uid == os.geteuid(), "without root there is one user, and nothing to gain"
        return
    generation = (node.data / "current").resolve()
    for path in (node.data, node.data / "generations", generation, *generation.iterdir()):
        seen = path.stat()
        writable = stat.S_IMODE(seen.st_mode) & 0o022 and not stat.S_IMODE(seen.st_mode) & stat.S_ISVTX
        assert (seen.st_uid, bool(writable)) == (0, False), path
    assert (node.data / "current").lstat().st_uid == 0


def test_a_part_whose_program_is_gone_is_tried_again(
    node: NodeUnderTest, tokens: Tokens, folder: Path
) -> None:
    """It is logged and tried with growing pauses, the rest goes on running, and when the program is back so is the part."""
    others = {name: pid for name, pid in node.parts().items() if name not in ("haproxy", "worker")}
    program = folder / "haproxy"
    away = folder / "haproxy-away"
    program.rename(away)
    before = len(node.log())
    try:
        node.kill("haproxy")
        until(lambda: node.log()[before:].count("haproxy: cannot start") >= 3, why="three tries")
    finally:
        away.rename(program)
    pauses = [
        line.rsplit("starting it again in ", 1)[1]
        for line in node.log()[before:].splitlines()
        if "again in" in line
    ]
    seconds = [float(pause.split(" ")[0]) for pause in pauses]
    assert seconds == sorted(seconds)
    assert seconds[-1] > seconds[0]
    until(lambda: works(node, tokens))
    assert {name: node.part(name) for name in others} == others


@pytest.mark.parametrize("name", PARTS)
def test_a_killed_part_comes_back(node: NodeUnderTest, tokens: Tokens, name: str) -> None:
    """kill -9: meanwhile 503 or normal service, never a wrong yes or no; then everything acknowledged is still there."""
    part = {"answer": "answer-0", "worker": "haproxy"}.get(name, name)
    before = len(node.log())
    with Callers(node, tokens) as callers:
        until(lambda: all(callers.seen.values()))
        killed = node.kill(name)
        until(lambda: node.parts().get(name, killed) != killed, why=f"{name} runs again")
        until(lambda: f"part {part} runs again" in node.log()[before:], why="it says so")
        until(lambda: works(node, tokens), why="all is well again")
    assert callers.statuses("good") <= {200, 503}
    assert callers.statuses("jwt") <= {200, 503}
    assert callers.statuses("unknown") <= {401, 503}
    assert callers.statuses("revoked") <= {401, 503}
    assert f"part {part} ended (killed by SIGKILL)" in node.log()[before:] or name == "worker"
    assert set(node.parts()) == set(PARTS)


@pytest.mark.parametrize("name", ["answer", "valkey"])
def test_a_hung_part_is_an_outage(node: NodeUnderTest, tokens: Tokens, name: str) -> None:
    """SIGSTOP: what must be asked is 503, what is known is served or 503, nobody gets a wrong yes or no; then all is well."""
    pid = node.part(name)
    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: node.call("GET", "/products", UNKNOWN).status == 503, why="the outage shows")
        with Callers(node, tokens) as callers:
            until(lambda: all(len(seen) >= 3 for seen in callers.seen.values()))
        assert callers.statuses("good") <= {200, 503}
        assert callers.statuses("unknown") <= {503}
        assert callers.statuses("revoked") <= {401, 503}
        if name == "valkey":
            assert node.form("/oauth/token", password_grant("alice")).status == 503
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: works(node, tokens))
    assert node.part(name) == pid


def test_the_supervisor_takes_everything_along(node: NodeUnderTest, tokens: Tokens, folder: Path) -> None:
    """kill -9 of the supervisor leaves no process; a new start on the same folder works, with all that was acknowledged."""
    assert node.process is not None
    family = node.family()
    node.process.kill()
    node.process.wait()
    assert not gone(family)
    assert not about(folder)
    node.start()
    assert works(node, tokens)


@pytest.fixture(scope="module")
def starting(haproxy: Path) -> Iterator[NodeUnderTest]:
    """A node that never gets ready; each test finds the data folder as the one before has left it."""
    with node_folder() as folder:
        node = NodeUnderTest(data=folder / "data")
        node.config = write_config(folder, node.port, dict.fromkeys((*SERVICES, "staff"), 9))
        yield node


@pytest.mark.parametrize(
    ("how", "moment"),
    [
        (signal.SIGTERM, "valkey"),
        (signal.SIGKILL, "http"),
        (signal.SIGTERM, "http"),
        (signal.SIGKILL, "haproxy"),
        (signal.SIGTERM, "haproxy"),
    ],
)
def test_ended_while_it_starts(starting: NodeUnderTest, how: signal.Signals, moment: str) -> None:
    """SIGTERM in the middle of a start ends with success and leaves nothing; SIGKILL leaves no process."""
    process = starting.launch()
    until(lambda: moment in starting.parts(), why=f"{moment} is started")
    process.send_signal(how)
    assert process.wait(20) == (0 if how is signal.SIGTERM else -signal.SIGKILL)
    until(lambda: not about(starting.data), why="no process is left")
    if how is signal.SIGTERM:
        assert not [path for path in starting.data.rglob("*") if path.is_socket()]
    assert "Traceback" not in starting.log()


def test_stop_with_streams_open(node: NodeUnderTest, tokens: Tokens, folder: Path) -> None:
    """An open WebSocket, event stream and gRPC stream do not keep it from stopping: exit code 0, nothing left."""
    headers = {"Authorization": f"Bearer {tokens.good}"}
    address = f"127.0.0.1:{node.port}"
    with (
        websockets.sync.client.connect(f"ws://{address}/chat", additional_headers=headers) as chat,
        socket.create_connection(("127.0.0.1", node.port), timeout=60) as prices,
        grpc.insecure_channel(address) as channel,
    ):
        assert "alice" in chat.recv()
        lines = [f"{name}: {value}" for name, value in {"Host": address, **headers}.items()]
        prices.sendall("\r\n".join(["GET /prices HTTP/1.1", *lines, "", ""]).encode())
        assert prices.recv(4096).startswith(b"HTTP/1.1 200")
        metadata = [("authorization", headers["Authorization"])]
        count = channel.unary_stream("/demo.Echo/Count")(b"", metadata=metadata, timeout=60)
        assert next(count) == b"0"
        family = node.family()
        assert node.stop(signal.SIGTERM, seconds=15) == 0
        assert not gone(family)
        with pytest.raises(grpc.RpcError):
            list(count)
        with pytest.raises(ConnectionClosed):
            chat.recv(timeout=60)
        while prices.recv(65536):
            pass
    assert not about(folder)
    assert not [path for path in node.data.rglob("*") if path.is_socket()]
    assert "Traceback" not in node.log()
