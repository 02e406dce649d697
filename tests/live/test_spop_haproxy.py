"""A real HAProxy asks our listener: it lets through what we allow, and nothing else, whatever happens to us.

`HAPROXY=/path/to/haproxy` runs this against another HAProxy.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from sumun.spop import AgentConnection, AgentHello, HealthCheck, Hello, Notify, Scope, SetVar, encode_actions
from sumun.spop.frames import FrameType, encode_frame
from sumun.spop.hello import encode_agent_hello
from tests.live.spop_gate import Client, Gate, Reply, agent, gate, get, get_all, wait_until
from tests.unit.spop.test_captured_frames import captured

ALLOW = encode_actions([SetVar(Scope.TRANSACTION, "allow", True), SetVar(Scope.TRANSACTION, "who", "rogue")])


@pytest.fixture
def guarded(haproxy: Path, socket_folder: Path) -> Iterator[Gate]:
    """HAProxy as we configure it. No agent runs yet."""
    with gate(haproxy, socket_folder) as running:
        yield running


def allowed(replies: list[Reply], creds: list[str]) -> bool:
    """Whether every request was allowed, each as the one it was."""
    return [(reply.status, reply.body) for reply in replies] == [(200, cred) for cred in creds]


def refused(replies: list[Reply]) -> bool:
    """Whether every request got 503 and Retry-After: never an allow, never 401 or 403 for a fault of ours."""
    return all((reply.status, reply.headers.get("retry-after")) == (503, "1") for reply in replies)


# --- as it should be


def test_answers(guarded: Gate) -> None:
    """Allowed is 200, not allowed is 503; a long value and bytes that are not UTF-8 arrive as they were."""

    async def ask() -> None:
        client = await Client.connect(guarded.front)
        for cred, status in (("ok-1", 200), ("no-1", 503), ("later-20-1", 200), ("ok-김\udcff", 200)):
            reply = await client.get(cred)
            assert (reply.status, reply.body) == (status, cred if status == 200 else "refused")
        assert (await client.get("long-12000-1")).headers["x-long"] == "12000"
        await client.close()

    with agent(guarded.agent):
        wait_until(guarded.servers_up)
        asyncio.run(ask())


async def be_rude(path: Path, stop: asyncio.Event, seed: int) -> int:
    """Talks nonsense to the agent's socket until told to stop; how many conversations that made."""
    choose = random.Random(seed)
    good = b"".join(captured("haproxy-2.6.12").values())
    conversations = 0
    while not stop.is_set():
        with suppress(OSError):
            reader, writer = await asyncio.open_unix_connection(str(path))
            broken = bytearray(good)
            for _ in range(choose.randint(1, 9)):
                broken[choose.randrange(len(broken))] = choose.randrange(256)
            writer.write(
                choose.choice((bytes(broken), choose.randbytes(2000), good[: choose.randrange(200)]))
            )
            if choose.random() < 0.7:
                writer.write_eof()
                await reader.read()
            writer.close()
        conversations += 1
        await asyncio.sleep(0.002)
    return conversations


def test_five_thousand_requests_among_malformed_clients(haproxy: Path, socket_folder: Path) -> None:
    """5,000 requests, 500 at a time, half answered later: each gets its own answer, while others talk nonsense to us."""
    creds = [f"ok-{n}" if n % 2 else f"later-{n % 30}-{n}" for n in range(5000)]

    async def ask(running: Gate) -> tuple[list[Reply], list[int]]:
        stop = asyncio.Event()
        rude = [asyncio.create_task(be_rude(running.agent, stop, seed)) for seed in range(4)]
        replies = await get_all(running.front, creds, connections=500)
        stop.set()
        return replies, await asyncio.gather(*rude)

    with (
        gate(haproxy, socket_folder, processing="20s") as running,
        agent(running.agent, deadline_seconds=15),  # a slow machine is no fault here
    ):
        wait_until(running.servers_up)
        replies, conversations = asyncio.run(ask(running))
        assert allowed(replies, creds)
        assert sum(conversations) > 20
        assert running.servers_up()


@pytest.mark.parametrize("option", ["", "option async"])
def test_async_or_not(haproxy: Path, socket_folder: Path, option: str) -> None:
    """With and without `option async`, which only old HAProxys know, questions are answered."""
    creds = [f"later-{n % 10}-{n}" for n in range(300)]
    with (
        gate(haproxy, socket_folder, option=option, processing="20s") as running,
        agent(running.agent, deadline_seconds=15),
    ):
        wait_until(running.servers_up)
        assert allowed(asyncio.run(get_all(running.front, creds, connections=50)), creds)


def test_no_place_for_all_connections(haproxy: Path, socket_folder: Path) -> None:
    """A listener that is full lets connections wait: HAProxy neither holds it for down nor storms it."""
    creds = [f"later-30-{n}" for n in range(600)]
    with (
        gate(haproxy, socket_folder, threads=1) as running,
        agent(running.agent, connections=8) as process,
    ):
        wait_until(running.servers_up)
        replies = asyncio.run(get_all(running.front, creds, connections=150))
        assert {reply.status for reply in replies} <= {200, 503}
        assert running.servers_up()
        wait_until(lambda: asyncio.run(get(running.front, "ok-1")).status == 200)
        assert allowed(asyncio.run(get_all(running.front, ["ok-1"] * 20, 1)), ["ok-1"] * 20)
        process.terminate()
        assert process.stdout is not None
        counts = process.stdout.read().decode().split()
        assert int(counts[counts.index("connections") + 1]) < 2000


# --- what goes wrong on our side


def test_no_agent_at_all(guarded: Gate) -> None:
    """Before our first start every request is refused, and as soon as we are there they are let through."""
    assert refused(asyncio.run(get_all(guarded.front, ["ok-1"] * 10, 5)))
    with agent(guarded.agent):
        wait_until(guarded.servers_up)
        assert allowed(asyncio.run(get_all(guarded.front, ["ok-1"] * 10, 5)), ["ok-1"] * 10)


@pytest.mark.parametrize(("cred", "least", "most"), [("hang-1", 0.35, 0.49), ("later-450-1", 0.35, 0.49)])
def test_too_slow(guarded: Gate, cred: str, least: float, most: float) -> None:
    """What is not answered within 400 ms is refused by us then, before HAProxy itself loses patience at 500 ms."""
    with agent(guarded.agent):
        wait_until(guarded.servers_up)
        asyncio.run(get(guarded.front, "ok-1"))
        replies = asyncio.run(get_all(guarded.front, [cred] * 20, 20))
        assert refused(replies)
        assert least < min(reply.seconds for reply in replies) < most
        assert allowed([asyncio.run(get(guarded.front, "later-200-1"))], ["later-200-1"])


def test_a_failing_answer_function(guarded: Gate) -> None:
    """An exception in our code costs its own request a 503, and no other one anything."""
    creds = ["fail-1", "ok-1"] * 50
    with agent(guarded.agent):
        wait_until(guarded.servers_up)
        replies = asyncio.run(get_all(guarded.front, creds, 20))
        assert [reply.status for reply in replies] == [503, 200] * 50


async def interrupted(front: Path, what: Callable[[], object]) -> list[Reply]:
    """Twenty requests that take 250 ms, and `what` happens after 100."""
    tasks = [asyncio.create_task(get(front, f"later-250-{number}")) for number in range(20)]
    await asyncio.sleep(0.1)
    what()
    return await asyncio.gather(*tasks)


def test_killed(guarded: Gate) -> None:
    """Killed with questions on their way: 503 for them and all that follow, until a new process is there."""
    with agent(guarded.agent) as process:
        wait_until(guarded.servers_up)
        assert refused(asyncio.run(interrupted(guarded.front, process.kill)))
        assert refused(asyncio.run(get_all(guarded.front, ["ok-1"] * 20, 20)))
    wait_until(lambda: not guarded.servers_up())
    replies = asyncio.run(get_all(guarded.front, ["ok-1"] * 20, 20))
    assert refused(replies)
    assert max(reply.seconds for reply in replies) < 0.3  # the check knows; nobody waits for a timeout
    with agent(guarded.agent):
        wait_until(guarded.servers_up)
        assert allowed(asyncio.run(get_all(guarded.front, ["ok-1"] * 20, 20)), ["ok-1"] * 20)


def test_hung(guarded: Gate) -> None:
    """A process that hangs: 503 after HAProxy's 500 ms, at once when the check has seen it; then all is well again."""
    with agent(guarded.agent) as process:
        wait_until(guarded.servers_up)
        stop = lambda: process.send_signal(signal.SIGSTOP)  # noqa: E731
        replies = asyncio.run(interrupted(guarded.front, stop))
        assert refused(replies)
        assert max(reply.seconds for reply in replies) < 2
        wait_until(lambda: not guarded.servers_up())
        assert refused(asyncio.run(get_all(guarded.front, ["ok-1"] * 20, 20)))
        process.send_signal(signal.SIGCONT)
        wait_until(guarded.servers_up)
        assert allowed(asyncio.run(get_all(guarded.front, ["ok-1"] * 20, 20)), ["ok-1"] * 20)


def test_stopped_in_good_order(guarded: Gate) -> None:
    """SIGTERM: what is on its way is answered, and the process ends by itself."""
    with agent(guarded.agent) as process:
        wait_until(guarded.servers_up)
        replies = asyncio.run(interrupted(guarded.front, process.terminate))
        assert allowed(replies, [f"later-250-{number}" for number in range(20)])
        assert process.wait(timeout=60) == 0
        assert not guarded.agent.exists()


def test_a_question_too_big(haproxy: Path, socket_folder: Path) -> None:
    """A question over max-frame-size is refused at once; `no option send-frag-payload` keeps it from hurting others."""
    creds = [f"later-{n % 20}-{n}" for n in range(400)]

    async def ask(running: Gate) -> tuple[list[Reply], list[Reply]]:
        return await asyncio.gather(
            get_all(running.front, ["ok-" + "x" * 9000] * 100, 4), get_all(running.front, creds, 20)
        )

    with gate(haproxy, socket_folder) as running, agent(running.agent, max_frame_size=8000):
        wait_until(running.servers_up)
        asyncio.run(get(running.front, "ok-1"))  # HAProxy 2.6 learns our size with the first HELLO
        big, small = asyncio.run(ask(running))
        assert refused(big)
        assert max(reply.seconds for reply in big) < 0.4
        assert allowed(small, creds)


# --- an agent that is not ours, or went mad


def truncated_variable(asked: Notify) -> bytes:
    """An ACK that ends in the middle of `allow`."""
    return encode_frame(FrameType.ACK, ALLOW[:9], asked.reference)


ROGUES: dict[str, Callable[[Notify], bytes]] = {
    "no action": lambda asked: encode_frame(FrameType.ACK, b"", asked.reference),
    "a truncated variable": truncated_variable,
    "garbage for actions": lambda asked: encode_frame(FrameType.ACK, b"\xff" * 50, asked.reference),
    "an unknown scope": lambda asked: encode_frame(
        FrameType.ACK, b"\x01\x03\x09\x05allow\x11", asked.reference
    ),
    "another variable": lambda asked: encode_frame(
        FrameType.ACK, b"\x01\x03\x02\x05alloe\x11", asked.reference
    ),
    "allow that is false": lambda asked: encode_frame(
        FrameType.ACK, b"\x01\x03\x02\x05allow\x01", asked.reference
    ),
    "another question's id": lambda _asked: encode_frame(FrameType.ACK, ALLOW, b"\xf0\x7f\x09"),
    "a frame too big": lambda _asked: b"\x7f\xff\xff\xff\x67",
    "no SPOP at all": lambda _asked: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "an unknown frame": lambda asked: encode_frame(FrameType.NOTIFY, ALLOW, asked.reference),
    "a goodbye": lambda _asked: AgentConnection().disconnect(),
    "a fragment": lambda asked: b"\x00\x00\x00\x0b\x67\x00\x00\x00\x00" + asked.reference + ALLOW[:4],
}


@asynccontextmanager
async def rogue(
    path: Path, reply: Callable[[Notify], bytes], hello: bytes | None = None
) -> AsyncIterator[list[int]]:
    """An agent that answers health checks well, HELLO with `hello`, and questions with `reply`; yields its count."""
    asked = [0]
    writers: list[asyncio.StreamWriter] = []
    talks: list[asyncio.Task[None]] = []

    def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        talks.append(asyncio.create_task(talk(reader, writer)))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = AgentConnection()
        with suppress(OSError):
            while data := await reader.read(65536):
                for event in connection.receive(data):
                    if isinstance(event, HealthCheck) or (isinstance(event, Hello) and hello is None):
                        writer.write(connection.agent_hello())
                    elif isinstance(event, Hello) and hello is not None:
                        asked[0] += 1
                        writer.write(hello)
                    elif isinstance(event, Notify):
                        asked[0] += 1
                        writer.write(reply(event))
        writer.close()

    server = await asyncio.start_unix_server(meet, str(path))
    try:
        yield asked
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*talks)


def replies_with(running: Gate, reply: Callable[[Notify], bytes], hello: bytes | None = None) -> list[Reply]:
    """What twelve requests get when the agent is a rogue, which was really asked."""

    async def ask() -> list[Reply]:
        async with rogue(running.agent, reply, hello) as asked:
            while not await asyncio.to_thread(running.servers_up):
                await asyncio.sleep(0.02)
            replies = await get_all(running.front, [f"x-{number}" for number in range(12)], 4)
            assert asked[0] > 0
            return replies

    return asyncio.run(ask())


def test_the_rogue_can_allow(guarded: Gate) -> None:
    """The rogue of the tests below would be believed if it spoke properly: so their refusals mean something."""
    replies = replies_with(guarded, lambda asked: encode_frame(FrameType.ACK, ALLOW, asked.reference))
    assert allowed(replies, ["rogue"] * 12)


@pytest.mark.parametrize("name", ROGUES)
def test_garbage_from_the_agent(guarded: Gate, name: str) -> None:
    """Whatever an agent answers instead of a whole, true `allow`, the request is refused with 503."""
    replies = replies_with(guarded, ROGUES[name])
    assert refused(replies), Counter(reply.status for reply in replies)


@pytest.mark.parametrize(
    "hello",
    [
        encode_agent_hello(AgentHello("9.9", 16_380, frozenset({"pipelining"}))),
        encode_agent_hello(AgentHello("2.0", 100, frozenset({"pipelining"}))),
        encode_frame(FrameType.AGENT_HELLO, b""),
        b"\x00" * 64,
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
    ],
    ids=["version", "frame size", "empty", "zeros", "text"],
)
def test_garbage_in_the_hello(guarded: Gate, hello: bytes) -> None:
    """An agent that cannot say HELLO is asked nothing, and every request is refused with 503."""
    assert refused(
        replies_with(guarded, lambda asked: encode_frame(FrameType.ACK, ALLOW, asked.reference), hello)
    )
