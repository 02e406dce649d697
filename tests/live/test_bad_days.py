"""The fire hose and the operator at three in the morning: bad input, full disks, wrong folders. From outside."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sumun.demo.settings import SERVICES
from sumun.tokens import format as token_format
from tests.live.demo_node import SOURCES, Answer, whole_lines
from tests.live.node_under_test import (
    BATCH_SECRET,
    NodeUnderTest,
    about,
    node_folder,
    password_grant,
    resident,
    shop_services,
    until,
    write_config,
)

NOBODY_SERVES = dict.fromkeys((*SERVICES, "staff"), 9)


@pytest.fixture(scope="module")
def node(haproxy: Path) -> Iterator[NodeUnderTest]:
    """One running gateway for the tests that do not stop it."""
    with node_folder() as folder:
        node = NodeUnderTest(data=folder / "data")
        with shop_services(node.issuer) as ports:
            node.config = write_config(folder, node.port, ports)
            with node.running():
                node.add_person("alice", "admin")
                yield node
                assert node.stop() == 0
                assert "Traceback" not in node.log()


@pytest.fixture(scope="module")
def token(node: NodeUnderTest) -> str:
    """alice's."""
    return node.log_in("alice")


# Credentials that are too long


@pytest.mark.parametrize(
    ("length", "status", "code"),
    [
        (8 * 1024, 401, "invalid_token"),
        (8 * 1024 + 1, 431, "header_too_large"),
        (10 * 1024, 431, "header_too_large"),
    ],
)
@pytest.mark.parametrize("beginning", ["smn_at_", "a.b."])
def test_a_credential_has_a_longest_length(
    node: NodeUnderTest, token: str, beginning: str, length: int, status: int, code: str
) -> None:
    """limits.token_size, to the byte: what is longer is 431 and never looked at; the connection's neighbours go on."""
    answer = node.call("GET", "/products", beginning + "x" * (length - len(beginning)))
    assert (answer.status, answer.json["code"]) == (status, code)
    assert node.call("GET", "/products", token).status == 200


def test_a_head_that_fits_no_buffer(node: NodeUnderTest, token: str) -> None:
    """A request head beyond every limit is refused by the parser, before anything looks at it."""
    fields = b"".join(b"X-%d: %s\r\n" % (number, b"y" * 1000) for number in range(30))
    with socket.create_connection(("127.0.0.1", node.port), timeout=60) as connection:
        connection.sendall(b"GET /products HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n")
        assert connection.recv(100).startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))
    assert node.call("GET", "/products", token).status == 200


# Made-up tokens


def test_a_store_that_pauses(node: NodeUnderTest) -> None:
    """Half of limits.decision_timeout is the store's: what it says within that counts, and a reload changes it."""
    was = node.config.read_text()
    store = node.part("valkey")

    def asked(patience: str, pause: float) -> int:
        node.config.write_text(was.replace("decision_timeout: 2s", f"decision_timeout: {patience}"))
        assert node.sumun("reload").returncode == 0
        os.kill(store, signal.SIGSTOP)
        try:
            with ThreadPoolExecutor() as threads:
                answer = threads.submit(call_from, node, "127.8.8.7", token_format.new())
                wait([answer], pause)
                os.kill(store, signal.SIGCONT)
                return answer.result().status
        finally:
            os.kill(store, signal.SIGCONT)

    try:
        assert asked("10s", 0.6) == 401
        assert asked("500ms", 60) == 503
    finally:
        node.config.write_text(was)
        assert node.sumun("reload").returncode == 0


def test_a_guesser_waits_and_his_neighbours_do_not(node: NodeUnderTest) -> None:
    """After limits.wrong_tokens_per_source each wrong token of that address waits for its 401; a good one never does."""
    guesser, other = ("127.8.8.8", "127.8.8.9")
    wrong = [call_from(node, guesser, token_format.new()) for _ in range(23)]
    good = call_from(node, guesser, node.log_in("alice"))  # new, so it has to be asked about
    elsewhere = call_from(node, other, token_format.new())
    assert [one.status for one in (*wrong, good, elsewhere)] == [401] * 23 + [200, 401]
    how = ends(node, [one.headers["x-request-id"] for one in (*wrong, good, elsewhere)])
    assert [end == "PT" for end in how] == [False] * 20 + [True] * 3 + [False, False]


def call_from(node: NodeUnderTest, address: str, token: str) -> Answer:
    """GET /products from a source address of the test's choice."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60, source_address=(address, 0))
    try:
        connection.request("GET", "/products", headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def ends(node: NodeUnderTest, request_ids: list[str]) -> list[str]:
    """How HAProxy ended these requests, as its log says (`PT`: it was made to wait)."""

    def logged() -> dict[str, str]:
        lines = whole_lines(node.data / "log" / "access.log")
        ours = (
            json.loads(line) for line in lines if line.startswith("{")
        )  # HAProxy 2.6 says when a worker stops
        return {line["id"]: line["end"] for line in ours if line["id"] in request_ids}

    until(lambda: len(logged()) == len(request_ids), why="all are in the log")
    found = logged()
    return [found[one] for one in request_ids]


class Flood(asyncio.Protocol):
    """One attacker: a made-up token with a valid checksum in every request, the next as soon as one is answered."""

    def __init__(self, statuses: Counter[str]) -> None:
        self._statuses = statuses

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send(4)

    def _send(self, count: int) -> None:
        for _ in range(count):
            head = f"GET /products HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token_format.new()}\r\n\r\n"
            self._transport.write(head.encode())

    def data_received(self, data: bytes) -> None:
        answers = [part[:3].decode() for part in data.split(b"HTTP/1.1 ")[1:]]
        self._statuses.update(answers)
        self._send(len(answers))


async def flood_and_call(
    node: NodeUnderTest, token: str, seconds: float
) -> tuple[Counter[str], Counter[int]]:
    """Junk from two hundred addresses at full speed, and good calls one after the other; the statuses of both."""
    junk: Counter[str] = Counter()
    good: Counter[int] = Counter()
    loop = asyncio.get_running_loop()
    attackers = [
        (
            await loop.create_connection(
                lambda: Flood(junk), "127.0.0.1", node.port, local_addr=(f"127.9.{n}.1", 0)
            )
        )[0]
        for n in range(200)
    ]
    end = loop.time() + seconds
    while loop.time() < end:
        answer: Answer = await asyncio.to_thread(node.call, "GET", "/products", token)
        good[answer.status] += 1
    for attacker in attackers:
        attacker.abort()
    return junk, good


def test_a_flood_of_junk_hurts_nobody(node: NodeUnderTest, token: str) -> None:
    """Well-formed unknown tokens from many sources: refused as what they are, good calls all served, memory bounded.

    Junk that comes faster than it can be looked at may be told so (503), or to slow down (429). How fast good calls are meanwhile is measured by bench/junk_flood.py: a test's clock on a busy machine proves nothing.
    """
    before = {name: resident(pid) for name, pid in node.parts().items()}
    parts = node.parts()
    junk, good = asyncio.run(flood_and_call(node, token, 3.0))
    assert set(good) == {200}
    assert set(junk) <= {"401", "429", "503"}
    assert junk.total() > 500, "this was no flood"
    assert junk["401"] > 0
    assert node.parts() == parts
    grown = {name: resident(pid) - before[name] for name, pid in node.parts().items()}
    assert max(grown.values()) < 64 * 1024, f"KiB: {grown}"


# Garbage on the inner sockets


GARBAGE = (
    b"\xff\xff\xff\xff" + b"x" * 100,  # SPOP: a frame of 4 GiB
    b"\x00\x00\x00\x05\x01",  # SPOP: half a frame
    b"\x00" * 70_000,
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 50,
    b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
    b"*1000000000\r\n$5\r\nhello\r\n",  # RESP: an array of a billion
    b"*3\r\n$4\r\nAUTH\r\n$5\r\nsumun\r\n$3\r\nbad\r\n*1\r\n$8\r\nFLUSHALL\r\n*1\r\n$8\r\nSHUTDOWN\r\n",
    b"",
)


@pytest.mark.parametrize("name", ["answer-0.sock", "http.sock", "valkey.sock", "answer-0.ctl", "http.ctl"])
def test_garbage_on_an_inner_socket(node: NodeUnderTest, token: str, name: str) -> None:
    """Who may open the socket can say what he wants: nobody else notices, and no part ends."""
    parts = node.parts()
    noise = random.Random(name)
    with ExitStack() as held:
        for number in range(200):
            connection = held.enter_context(socket.socket(socket.AF_UNIX))
            connection.settimeout(1)
            try:
                connection.connect(str(node.data / "run" / name))
                connection.sendall(GARBAGE[number % len(GARBAGE)] or noise.randbytes(1000))
            except OSError:
                continue  # it hung up on us, or lets no more wait
        assert node.call("GET", "/products", token).status == 200
        assert node.call("GET", "/products", token_format.new()).status == 401
        assert node.call("GET", "/products", node.log_in("alice")).status == 200
    assert node.call("GET", "/products", token).status == 200
    assert node.parts() == parts


# Starts that must be refused: one sentence, the right exit code, nothing left running


@dataclass
class BadStart:
    """What is wrong, and what must be said about it; `{word}` is the place of the word in the YAML (file:line:)."""

    exit_code: int
    says: tuple[str, ...]
    prepare: Callable[[NodeUnderTest], object] = lambda node: None
    extra: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    data: str = "data"


def in_place(old: str, new: str) -> Callable[[NodeUnderTest], object]:
    """A configuration in which something else stands."""
    return lambda node: node.config.write_text(node.config.read_text().replace(old, new))


def place_of(word: str, config: Path) -> str:
    """file:line: of the first line that holds the word."""
    lines = config.read_text().splitlines()
    return f"{config}:{next(number for number, line in enumerate(lines, 1) if word in line)}:"


def old_haproxy(node: NodeUnderTest) -> None:
    """A program that says it is HAProxy 2.2."""
    program = node.config.with_name("haproxy-2.2")
    program.write_text(
        "#!/bin/sh\necho 'HAProxy version 2.2.9-2+deb11u6 2023/03/14 - https://haproxy.org/'\n"
    )
    program.chmod(0o755)
    node.environment = {"HAPROXY": str(program)}


def somebodys_home(node: NodeUnderTest) -> None:
    """A folder with somebody's work in it."""
    node.data.mkdir()
    (node.data / "thesis.txt").write_text("mine")


def mounted(options: str) -> tuple[str, ...]:
    """The command in a mount namespace of its own, with a small file system as the data folder ({data})."""
    return (
        "unshare",
        "--mount",
        "sh",
        "-c",
        f'mkdir -p "$0" && mount -t tmpfs -o {options} none "$0" && exec "$@"',
        "{data}",
    )


LOOPBACK_UP = (
    "import fcntl, os, socket, struct, sys\n"
    "with socket.socket() as any: fcntl.ioctl(any, 0x8914, struct.pack('16sh', b'lo', 1))\n"
    "os.execvp(sys.argv[1], sys.argv[1:])\n"
)
"""In a network namespace of its own, where ports below 1024 are not for everybody."""

BAD_STARTS = {
    "HAProxy is missing": BadStart(
        3,
        ("HAPROXY names '/nonexistent'", "apt-get install haproxy"),
        environment={"HAPROXY": "/nonexistent"},
    ),
    "HAProxy is another program": BadStart(
        3, ("/bin/true is not HAProxy",), environment={"HAPROXY": "/bin/true"}
    ),
    "HAProxy is too old": BadStart(3, ("is HAProxy 2.2", "needs 2.6 or newer"), old_haproxy),
    "somebody's home": BadStart(3, ("not empty and was not made by sumun", "--data"), somebodys_home),
    "a file": BadStart(3, ("it is a file", "--data"), lambda node: node.data.write_text("x")),
    "read-only": BadStart(3, ("Read-only file system", "--data"), before=mounted("ro")),
    "full": BadStart(3, ("its disk is full", "make room"), before=mounted("size=100k")),
    "path too long": BadStart(3, ("too long for unix sockets", "--data"), data="d" * 120),
    "path with a dollar": BadStart(3, ("its path holds '$'", "--data"), data="a$HOME"),
    "the parts may not enter": BadStart(3, ("may not enter",), lambda node: node.data.parent.chmod(0o700)),
    "config with problems": BadStart(
        2,
        ("{prodcts}", '"prodcts" is not a service', 'did you mean "products"?', "{99999}"),
        lambda node: (
            in_place("service: products", "service: prodcts")(node),
            in_place(f"listen: 127.0.0.1:{node.port + 1}", "listen: 127.0.0.1:99999")(node),
        ),
    ),
    "config missing": BadStart(2, ("cannot be read: no such file",), lambda node: node.config.unlink()),
    "config unreadable": BadStart(
        2, ("/proc/self/mem: cannot be read",), lambda node: setattr(node, "config_named", "/proc/self/mem")
    ),
    "config is a folder": BadStart(
        2, ("is a directory",), lambda node: setattr(node, "config_named", "/tmp")
    ),
    "config is no text": BadStart(
        2, ("is not UTF-8",), lambda node: node.config.write_bytes(b"\xff\xfe\x00l")
    ),
    "secret file missing": BadStart(
        2,
        ("{batch.secret}", "cannot read the secret file"),
        lambda node: node.config.with_name("batch.secret").unlink(),
    ),
    "secrets missing": BadStart(
        2,
        ("{batch.secret}", "{staff.secret}", "its first line is the secret"),
        lambda node: [node.config.with_name(f"{name}.secret").unlink() for name in ("batch", "staff")],
    ),
    "secret variable missing": BadStart(
        2,
        ("{NO_SUCH_SECRET}", "NO_SUCH_SECRET is not set"),
        in_place("file:batch.secret", "env:NO_SUCH_SECRET"),
    ),
    "PostgreSQL unreachable": BadStart(
        3,
        ("{DATABASE}", "postgresql://sumun:***@127.0.0.1:9/x", "cannot be reached"),
        extra="node: {directory: 'env:DATABASE'}\n",
        environment={"DATABASE": "postgresql://sumun:hidden-1@127.0.0.1:9/x"},
    ),
    "no PostgreSQL at all": BadStart(
        3,
        ("{DATABASE}", "begins with 'mysql'"),
        extra="node: {directory: 'env:DATABASE'}\n",
        environment={"DATABASE": "mysql://sumun:hidden-1@127.0.0.1:9/x"},
    ),
    "store unreachable": BadStart(
        3,
        ("{STORE}", "valkey://127.0.0.1:9/0", "cannot be reached"),
        extra="node: {store: 'env:STORE'}\n",
        environment={"STORE": "valkey://sumun:hidden-1@127.0.0.1:9/0"},
    ),
    "no store at all": BadStart(
        3,
        ("{STORE}", "cannot be read", "valkey://"),
        extra="node: {store: 'env:STORE'}\n",
        environment={"STORE": "ftp://sumun:hidden-1@127.0.0.1:9/0"},
    ),
    "a low port": BadStart(
        3,
        ("this account may not listen on 127.0.0.1:80 (", "{127.0.0.1:80 }", "CAP_NET_BIND_SERVICE"),
        lambda node: in_place(f"listen: 127.0.0.1:{node.port}\n", "listen: 127.0.0.1:80 \n")(node),
        before=(
            *("unshare", "--net", sys.executable, "-c", LOOPBACK_UP),
            *("setpriv", "--bounding-set", "-net_bind_service"),
        ),
    ),
    "an address of no network": BadStart(
        3,
        ("no network of this machine has 192.0.2.7:", "{192.0.2.7}", "`ip address`"),
        lambda node: in_place(f"listen: 127.0.0.1:{node.port}\n", f"listen: 192.0.2.7:{node.port}\n")(node),
    ),
    "no such user": BadStart(
        3, ("'nobody-of-that-name' is not an ordinary user",), extra="node: {run_as: nobody-of-that-name}\n"
    ),
    "root as the user": BadStart(3, ("'root' is not an ordinary user",), extra="node: {run_as: root}\n"),
    "too few descriptors": BadStart(
        3, ("limits.connections is 4000", "ulimit -n"), before=("sh", "-c", 'ulimit -n 256 && exec "$0" "$@"')
    ),
}


@pytest.mark.parametrize("name", BAD_STARTS)
def test_a_start_that_cannot_be(haproxy: Path, name: str) -> None:
    """One sentence that names the thing and the mend, no trace, the right exit code; nothing runs, nothing is broken."""
    bad = BAD_STARTS[name]
    with node_folder() as folder:
        node = NodeUnderTest(data=folder / bad.data)
        node.config = write_config(folder, node.port, NOBODY_SERVES, bad.extra)
        node.environment = dict(bad.environment)
        node.before = [word.replace("{data}", str(node.data)) for word in bad.before]
        bad.prepare(node)
        there = sorted(path.name for path in node.data.iterdir()) if node.data.is_dir() else None
        code, said = node.refused()
        assert code == bad.exit_code, said
        for words in bad.says:
            assert (place_of(words[1:-1], node.config) if words.startswith("{") else words) in said
        sentences = [line for line in said.splitlines() if not line.startswith("{")]
        assert "Traceback" not in said
        assert "hidden-1" not in said
        if name != "config with problems":
            assert len(sentences) <= 5, said
        assert not about(folder)
        assert not [path for path in folder.rglob("*") if path.is_socket()]
        if there:
            assert sorted(path.name for path in node.data.iterdir()) == there


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_port_that_is_taken(haproxy: Path, which: int) -> None:
    """Each of the three listeners: the address and the place in the YAML are named."""
    with node_folder() as folder, socket.socket() as taken:
        node = NodeUnderTest(data=folder / "data")
        node.config = write_config(folder, node.port, NOBODY_SERVES)
        taken.bind(("127.0.0.1", node.port + which))
        taken.listen()
        code, said = node.refused()
        assert code == 3
        address = f"127.0.0.1:{node.port + which}"
        assert f"{address} ({place_of(address, node.config)}" in said
        assert "Traceback" not in said
        assert not about(folder)


def test_two_on_one_folder(node: NodeUnderTest, token: str) -> None:
    """The second one is told who runs there, and the first one notices nothing."""
    assert node.process is not None
    with node_folder() as folder:
        second = NodeUnderTest(data=node.data)
        second.config = write_config(folder, second.port, NOBODY_SERVES)
        code, said = second.refused()
    assert code == 3
    assert f"a sumun (process {node.process.pid}) runs on it already" in said
    assert node.call("GET", "/products", token).status == 200
    assert node.call("GET", "/products", node.log_in("alice")).status == 200


def test_a_folder_with_any_name(haproxy: Path) -> None:
    """Blanks, Korean letters, quotes, and what is a pattern to others: the node starts, and listens nowhere else."""
    with node_folder() as folder:
        node = NodeUnderTest(data=folder / "내 데이터 [*?] 'a\" \\b %s {}~#;&")
        node.config = write_config(folder, node.port, NOBODY_SERVES)
        with node.running():
            until(
                lambda: node.call("GET", "/products", token_format.new()).status == 401,
                why="the store answers",
            )
            basic = base64.b64encode(f"batch:{BATCH_SECRET}".encode()).decode()
            asked = {"grant_type": "client_credentials"}
            answer = node.form("/oauth/token", asked, Authorization=f"Basic {basic}")
            assert answer.status == 200, answer
            assert node.stop() == 0
        assert not about(folder)


# A disk that fills up while it runs


@dataclass
class SmallDisk(NodeUnderTest):
    """A node whose data folder is a file system of its own, small enough to fill."""

    def command(self) -> list[str]:
        """In a mount namespace of its own."""
        words = mounted("size=24m")
        return [*(word.replace("{data}", str(self.data)) for word in words), *super().command()]

    @property
    def inside(self) -> Path:
        """The data folder as the node sees it."""
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/root{self.data}")

    def sumun(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run one command where the node runs."""
        assert self.process is not None
        there = [
            "nsenter",
            "--target",
            str(self.process.pid),
            "--mount",
            sys.executable,
            "-m",
            "sumun",
            *arguments,
        ]
        environment = {**os.environ, "SUMUN_DATA": str(self.data), "PYTHONPATH": SOURCES}
        return subprocess.run(
            there, input=stdin, capture_output=True, text=True, env=environment, timeout=60, check=False
        )

    def fill(self) -> Path:
        """Take every byte of the disk; gives the file to remove."""
        big = self.inside / "log" / "big"
        with big.open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue
        return big


EXPIRING = 150
"""So many keys' ends are more than what the last block of the store's file has room for."""


def store_short_lived(node: SmallDisk) -> None:
    """Keys that end in a few seconds; a token's record lives on for a minute after the token."""
    password = (node.inside / "run" / "valkey.password").read_text()
    commands = [("AUTH", "sumun", password)]
    commands += [("SET", f"smn:test:{'x' * 48}:{number}", "", "PX", "4000") for number in range(EXPIRING)]
    with socket.socket(socket.AF_UNIX) as store, store.makefile("rb") as answers:
        store.connect(str(node.inside / "run" / "valkey.sock"))
        for words in commands:
            store.sendall(b"*%d\r\n" % len(words))
            store.sendall(b"".join(b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words))
            assert answers.readline() == b"+OK\r\n"


def room_behind(node: SmallDisk) -> int:
    """Bytes that are reserved behind the end of the store's file."""
    (file,) = (node.inside / "valkey" / "appendonlydir").glob("*.incr.aof")
    found = file.stat()
    return found.st_blocks * 512 - found.st_size


def written(node: SmallDisk) -> int:
    """The size of the store's file."""
    (file,) = (node.inside / "valkey" / "appendonlydir").glob("*.incr.aof")
    return file.stat().st_size


def test_a_full_disk(haproxy: Path) -> None:
    """Nothing new is promised, what was promised is served and may end, and nothing is lost; with room all is well again."""
    with node_folder() as folder:
        node = SmallDisk(data=folder / "data")
        with shop_services(node.issuer) as ports:
            node.config = write_config(folder, node.port, ports)
            with node.running():
                node.add_person("alice", "admin")
                good, fresh, revoked = (node.log_in("alice") for _ in range(3))
                assert node.form("/oauth/revoke", {"client_id": "shop-app", "token": revoked}).status == 200
                parts = node.parts()
                store_short_lived(node)
                until(lambda: room_behind(node) > 1 << 19, why="the store has room of its own")
                big = node.fill()
                before = written(node)
                for _ in range(10):
                    assert node.form("/oauth/token", password_grant("alice")).status == 503
                    assert node.call("GET", "/products", good).status == 200
                    assert node.call("GET", "/products", revoked).status == 401
                    assert node.call("GET", "/products", token_format.new()).status == 401
                    time.sleep(0.2)  # a heartbeat or two
                assert node.call("GET", "/products", fresh).status == 200, "it was never used before"
                assert node.form("/oauth/revoke", {"client_id": "shop-app", "token": good}).status == 503
                for line in ("user add bob --password-stdin", "token issue --user alice --client shop-app"):
                    refused = node.sumun(*line.split(), stdin="bob-demo-pass\n")
                    assert (refused.returncode, refused.stdout) == (3, "")
                    assert "disk is full" in refused.stderr
                assert node.sumun("user", "show", "bob").returncode == 1
                until(
                    lambda: written(node) - before > 60 * EXPIRING, 30, "the store writes that the keys ended"
                )
                assert node.call("GET", "/products", good).status == 200
                assert node.parts() == parts, "a part ended"
                big.unlink()
                until(lambda: node.form("/oauth/token", password_grant("alice")).status == 200)
                assert [node.call("GET", "/products", one).status for one in (good, fresh, revoked)] == [
                    200,
                    200,
                    401,
                ]
                node.add_person("bob", "user")
                assert node.call("GET", "/products", node.log_in("bob")).status == 200
                assert node.stop(signal.SIGTERM) == 0
