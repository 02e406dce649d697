"""The SPOE listener over a real socket, on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import socket
import stat
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import uvloop

from sumun.answers.conversation import ConversationLimits
from sumun.answers.desk import Answer
from sumun.answers.listener import CannotListenError, ListenerLimits, SpopServer, room_for
from sumun.errors import OutageError
from sumun.spop import (
    AgentDisconnect,
    AgentHello,
    HaproxyDisconnect,
    HaproxyHello,
    Message,
    Scope,
    SetVar,
    UnsetVar,
    Value,
    encode_actions,
)
from sumun.spop.disconnect import encode_haproxy_disconnect
from sumun.spop.frames import encode_notify
from sumun.spop.hello import encode_haproxy_hello
from tests.conversations.spop_asker import HELLO_FRAME, ask_frame, connected, listening, until, variables

Run = Callable[[Coroutine[object, object, None]], None]
CHECK_FRAME = encode_haproxy_hello(HaproxyHello("2.0", 16_380, frozenset(), healthcheck=True))
SECRET = "smn_at_this-is-a-credential"


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine to its end on one of the two loops; a task that fails unseen fails the test."""

    def run_it(work: Coroutine[object, object, None]) -> None:
        unseen: list[dict[str, object]] = []
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.get_loop().set_exception_handler(lambda _loop, context: unseen.append(context))
            runner.run(work)
        assert unseen == []

    return run_it


@pytest.fixture
def path(socket_folder: Path) -> Path:
    """Where the listener listens."""
    return socket_folder / "answer-0.sock"


def echo(args: Mapping[str, Value]) -> Answer:
    """Answers at once, with the credential it was asked about."""
    return {"allow": True, "who": args["cred"]}


async def later(args: Mapping[str, Value]) -> Answer:
    """Answers after as many milliseconds as the question says."""
    await asyncio.sleep(float(str(args["ms"])) / 1000)
    return {"who": args["cred"]}


# --- answers


def test_answers_at_once(run: Run, path: Path) -> None:
    """Each question gets the answer to its own arguments, with their types."""
    seen: list[Mapping[str, Value]] = []

    def answer(args: Mapping[str, Value]) -> Answer:
        seen.append(args)
        return echo(args)

    async def conversation() -> None:
        async with listening(path, answer) as server, connected(path) as asker:
            args = {"cred": "a", "src": IPv4Address("127.0.0.1"), "grpc": False, "gen": 3, "none": None}
            assert await asker.ask(0, args) == {"allow": True, "who": "a"}
            assert await asker.ask(5000, {"cred": "b"}) == {"allow": True, "who": "b"}
            assert seen == [args, {"cred": "b"}]
            assert server.counts.questions == 2

    run(conversation())


def test_kinds_of_answers(run: Run, path: Path) -> None:
    """An answer may be variables, actions, or actions encoded before."""
    actions = (SetVar(Scope.SESSION, "x", 1), UnsetVar(Scope.TRANSACTION, "y"))
    answers: dict[str, Answer] = {"variables": {"x": 1}, "actions": actions, "bytes": encode_actions(actions)}

    async def conversation() -> None:
        async with listening(path, lambda args: answers[str(args["kind"])]), connected(path) as asker:
            for kind, sent in (
                ("variables", (SetVar(Scope.TRANSACTION, "x", 1),)),
                ("actions", actions),
                ("bytes", actions),
            ):
                asker.writer.write(ask_frame(1, {"kind": kind}))
                assert (await asker.ack()).actions == sent

    run(conversation())


def test_answers_overtake_each_other(run: Run, path: Path) -> None:
    """A slow question holds up no other: ACKs come in the order in which answers are ready."""

    async def conversation() -> None:
        ready = {name: asyncio.Event() for name in ("slow", "quick")}

        async def when_ready(args: Mapping[str, Value]) -> Answer:
            await ready[str(args["cred"])].wait()
            return echo(args)

        def answer(args: Mapping[str, Value]) -> Answer | Awaitable[Answer]:
            return when_ready(args) if args["cred"] in ready else echo(args)

        async with listening(path, answer) as server, connected(path) as asker:
            asker.writer.write(
                ask_frame(1, {"cred": "slow"})
                + ask_frame(2, {"cred": "quick"})
                + ask_frame(3, {"cred": "now"})
            )
            for number, name in ((3, "now"), (2, "quick"), (1, "slow")):
                if name in ready:
                    ready[name].set()
                ack = await asker.ack()
                assert (ack.stream_id, variables(ack)) == (number, {"allow": True, "who": name})
            assert server._desk is not None
            assert not server._desk._in_order  # the deadline forgot what was answered

    run(conversation())


def test_many_questions_in_one_read(run: Run, path: Path) -> None:
    """A thousand questions written at once, half of them answered later, get each its own answer."""

    def answer(args: Mapping[str, Value]) -> Answer | Awaitable[Answer]:
        return later(args) if int(str(args["cred"])) % 2 else echo(args)

    limits = ListenerLimits(deadline_seconds=60, conversation=ConversationLimits(questions=1000))

    async def conversation() -> None:
        async with listening(path, answer, limits), connected(path) as asker:
            frames = [ask_frame(number, {"cred": str(number), "ms": number % 7}) for number in range(1000)]
            asker.writer.write(b"".join(frames))
            answers = {ack.stream_id: variables(ack)["who"] for ack in [await asker.ack() for _ in frames]}
            assert answers == {number: str(number) for number in range(1000)}

    run(conversation())


# --- questions that get nothing, which HAProxy turns into 503


def test_deadline(run: Run, path: Path) -> None:
    """A question nobody answers gets nothing at the deadline, the work is cancelled, and a late answer is dropped."""
    cancelled: list[str] = []

    async def never(args: Mapping[str, Value]) -> Answer:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.append(str(args["cred"]))
            if args["cred"] == "stubborn":
                return {"allow": True}
            raise
        return {"allow": True}

    async def conversation() -> None:
        loop = asyncio.get_running_loop()
        async with (
            listening(path, never, ListenerLimits(deadline_seconds=0.1)) as server,
            connected(path) as asker,
        ):
            begin = loop.time()
            asker.writer.write(ask_frame(1, {"cred": "x"}))
            await asyncio.sleep(0.05)
            asker.writer.write(ask_frame(2, {"cred": "stubborn"}))
            assert variables(await asker.ack()) == {}
            assert 0.09 < loop.time() - begin < 20
            second = await asker.ack()
            assert (second.stream_id, variables(second)) == (2, {})
            assert loop.time() - begin > 0.14
            await until(lambda: len(cancelled) == 2)
            assert cancelled == ["x", "stubborn"]
            assert server.counts.late == 2
            asker.writer.write(encode_haproxy_disconnect(HaproxyDisconnect(0, "normal")))
            assert await asker.hear() == AgentDisconnect(0, "normal")  # and no third ACK before it

    run(conversation())


def test_another_deadline(run: Run, path: Path) -> None:
    """A reload may change the deadline: it holds for questions from then on."""

    async def never(_args: Mapping[str, Value]) -> Answer:
        await asyncio.sleep(300)
        return {}

    async def conversation() -> None:
        async with (
            listening(path, never, ListenerLimits(deadline_seconds=200)) as server,
            connected(path) as asker,
        ):
            server.answer_within(0.05)
            assert await asker.ask(1, {"cred": "x"}) == {}
            server.answer_within(200)
            asker.writer.write(ask_frame(2, {"cred": "x"}))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await asker.ack()

    run(conversation())


@pytest.mark.parametrize("when", ["at once", "later"])
def test_a_failing_answer(run: Run, path: Path, when: str, caplog: pytest.LogCaptureFixture) -> None:
    """A bug in the answer function costs that question alone; the log names class and place, never the text."""

    async def fail_later() -> Answer:
        await asyncio.sleep(0)
        raise ValueError(f"cannot read {SECRET}")

    def fail(args: Mapping[str, Value]) -> Answer | Awaitable[Answer]:
        if args["cred"] != SECRET:
            return echo(args)
        if when == "later":
            return fail_later()
        raise ValueError(f"cannot read {SECRET}")

    async def conversation() -> None:
        async with listening(path, fail) as server, connected(path) as asker:
            assert await asker.ask(1, {"cred": SECRET}) == {}
            assert await asker.ask(2, {"cred": "b"}) == {"allow": True, "who": "b"}
            assert server.counts.failed == 1

    with caplog.at_level(logging.WARNING):
        run(conversation())
    assert "ValueError" in caplog.text
    assert Path(__file__).name in caplog.text
    assert SECRET not in caplog.text


def test_an_error_of_ours_may_speak(run: Run, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The text of a SumunError holds no secret by promise, so it stands in the log."""

    def fail(_args: Mapping[str, Value]) -> Answer:
        raise OutageError("the store does not answer")

    async def conversation() -> None:
        async with listening(path, fail), connected(path) as asker:
            assert await asker.ask(1, {}) == {}

    with caplog.at_level(logging.WARNING):
        run(conversation())
    assert "the store does not answer" in caplog.text


def test_a_cancelled_answer(run: Run, path: Path) -> None:
    """Work that is cancelled by somebody else is answered with nothing."""

    async def give_up(_args: Mapping[str, Value]) -> Answer:
        raise asyncio.CancelledError

    async def conversation() -> None:
        async with listening(path, give_up), connected(path) as asker:
            assert await asker.ask(1, {}) == {}

    run(conversation())


@pytest.mark.parametrize(
    "answer",
    [{"allow": 1.5}, {"bad name": True}, {"x": "y" * 20_000}, None, "text", 7, [("allow", True)]],
    ids=["type", "name", "too long", "None", "str", "int", "no action"],
)
def test_answers_that_cannot_be_sent(run: Run, path: Path, answer: Answer) -> None:
    """An answer that HAProxy could not take is no answer at all: half of it must not be sent."""

    async def conversation() -> None:
        async with listening(path, lambda _args: answer) as server, connected(path) as asker:
            assert await asker.ask(1, {}) == {}
            assert server.counts.failed == 1

    run(conversation())


@pytest.mark.parametrize(
    "messages",
    [(), (Message("other", {}),), (Message("ask", {}), Message("ask", {}))],
    ids=["none", "another", "two"],
)
def test_questions_we_did_not_write(run: Run, path: Path, messages: tuple[Message, ...]) -> None:
    """Anything but one message "ask" gets nothing, and the answer function is not asked."""
    asked: list[object] = []

    async def conversation() -> None:
        async with listening(path, lambda args: asked.append(args) or {}) as server, connected(path) as asker:
            asker.writer.write(encode_notify(1, 1, messages))
            assert variables(await asker.ack()) == {}
            assert server.counts.misasked == 1

    run(conversation())
    assert asked == []


@pytest.mark.parametrize(
    "limits",
    [
        ListenerLimits(questions=3, deadline_seconds=5),
        ListenerLimits(deadline_seconds=5, conversation=ConversationLimits(questions=3)),
    ],
    ids=["in all", "of a connection"],
)
def test_overload(run: Run, path: Path, limits: ListenerLimits) -> None:
    """Beyond the bound a question gets nothing at once, unasked; when one is answered, there is room again."""
    asked: list[Mapping[str, Value]] = []

    async def conversation() -> None:
        go = asyncio.Event()

        async def wait(args: Mapping[str, Value]) -> Answer:
            await go.wait()
            return {"who": args["cred"]}

        def answer(args: Mapping[str, Value]) -> Awaitable[Answer]:
            asked.append(args)
            return wait(args)

        async with listening(path, answer, limits) as server, connected(path) as asker:
            asker.writer.write(b"".join(ask_frame(number, {"cred": "x"}) for number in range(5)))
            turned_away = [await asker.ack(), await asker.ack()]
            assert [(ack.stream_id, variables(ack)) for ack in turned_away] == [(3, {}), (4, {})]
            assert (len(asked), server.counts.overloaded) == (3, 2)
            go.set()
            assert [variables(await asker.ack()) for _ in range(3)] == [{"who": "x"}] * 3
            assert await asker.ask(9, {"cred": "y"}) == {"who": "y"}

    run(conversation())


# --- connections


def test_health_check(run: Run, path: Path) -> None:
    """A health check gets AGENT-HELLO, and then the connection is closed (SPOE.txt 3.2.3)."""

    async def conversation() -> None:
        async with listening(path, echo) as server, connected(path, CHECK_FRAME) as asker:
            assert await asker.hear() == AgentHello("2.0", 16_380, frozenset())
            assert await asker.hear() is None
            assert server.counts.health_checks == 1

    run(conversation())


def test_haproxy_says_goodbye(run: Run, path: Path) -> None:
    """HAPROXY-DISCONNECT is answered by AGENT-DISCONNECT, then the connection is closed; work for it is cancelled."""
    cancelled = False

    async def wait(_args: Mapping[str, Value]) -> Answer:
        nonlocal cancelled
        try:
            await asyncio.sleep(30)
        finally:
            cancelled = True
        return {}

    async def conversation() -> None:
        async with listening(path, wait) as server, connected(path) as asker:
            asker.writer.write(ask_frame(1, {}))
            await until(lambda: server.counts.questions)
            asker.writer.write(encode_haproxy_disconnect(HaproxyDisconnect(2, "a timeout occurred")))
            assert await asker.hear() == AgentDisconnect(0, "normal")
            assert await asker.hear() is None
            await until(lambda: cancelled)
            assert server.counts.failed == 0

    run(conversation())


@pytest.mark.parametrize("begun", [True, False], ids=["questions on their way", "idle"])
def test_haproxy_vanishes(run: Run, path: Path, begun: bool) -> None:
    """A peer that is gone leaves nothing behind: no work, no place taken, no error."""

    async def wait(args: Mapping[str, Value]) -> Answer:
        if args["cred"] == "wait":
            await asyncio.sleep(30)
        return {"who": args["cred"]}

    async def conversation() -> None:
        async with listening(path, wait, ListenerLimits(questions=3, deadline_seconds=60)) as server:
            async with connected(path) as asker:
                if begun:
                    asker.writer.write(b"".join(ask_frame(number, {"cred": "wait"}) for number in range(3)))
                    await until(lambda: server.counts.questions == 3)
            await until(lambda: not server._room.present)
            async with connected(path) as asker:
                assert await asker.ask(1, {"cred": "x"}) == {"who": "x"}

    run(conversation())


@pytest.mark.parametrize(
    ("garbage", "status_code"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 3),
        (b"\x00\x00\x00\x00", 4),
        (ask_frame(1, {}), 4),
        (b"\xff" * 100_000, 3),
        (encode_haproxy_hello(HaproxyHello("1.0", 16_380, frozenset())), 8),
        (HELLO_FRAME + b"\x00\x00\x00\x07\x03\x00\x00\x00\x00\x01\x01", 10),
        (HELLO_FRAME + HELLO_FRAME, 4),
    ],
)
def test_garbage_is_refused_and_hurts_nobody(
    run: Run, path: Path, garbage: bytes, status_code: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever breaks the protocol is told the status and cut; a connection beside it notices nothing."""

    async def conversation() -> None:
        async with listening(path, echo) as server, connected(path) as good:
            async with connected(path, garbage) as bad:
                heard = await bad.hear()
                if isinstance(heard, AgentHello):
                    heard = await bad.hear()
                assert isinstance(heard, AgentDisconnect)
                assert heard.status_code == status_code
                assert await bad.hear() is None
            assert await good.ask(1, {"cred": "x"}) == {"allow": True, "who": "x"}
            assert server.counts.refused_connections == 1

    with caplog.at_level(logging.WARNING):
        run(conversation())
    assert f"refused with status {status_code}" in caplog.text


def test_a_silent_client(run: Run, path: Path) -> None:
    """Who says no HELLO in time, or half of one, is told so (status 2) and cut; a good connection may stay silent."""
    limits = ListenerLimits(conversation=ConversationLimits(hello_seconds=0.5))

    async def conversation() -> None:
        async with listening(path, echo, limits), connected(path) as good:
            for first in (b"", HELLO_FRAME[:-1]):
                async with connected(path, first) as silent:
                    heard = await silent.hear()
                    assert isinstance(heard, AgentDisconnect)
                    assert heard.status_code == 2
                    assert await silent.hear() is None
            assert await good.ask(1, {"cred": "x"}) == {"allow": True, "who": "x"}

    run(conversation())


def test_too_many_connections(run: Run, path: Path) -> None:
    """Who finds all places taken waits, and has its HELLO answered when a place is free, the first to come first."""

    async def conversation() -> None:
        limits = ListenerLimits(connections=2)
        async with listening(path, echo, limits), connected(path) as first, AsyncExitStack() as stack:
            second = await stack.enter_async_context(connected(path))
            third = await stack.enter_async_context(connected(path, HELLO_FRAME))
            hearing = asyncio.create_task(third.hear())
            fourth = await stack.enter_async_context(connected(path, HELLO_FRAME))
            later = asyncio.create_task(fourth.hear())
            await asyncio.sleep(0.05)
            assert not hearing.done()
            assert await first.ask(1, {"cred": "x"}) == {"allow": True, "who": "x"}
            second.writer.close()
            assert isinstance(await hearing, AgentHello)
            assert not later.done()
            assert await third.ask(1, {"cred": "y"}) == {"allow": True, "who": "y"}
            third.writer.close()
            assert isinstance(await later, AgentHello)

    run(conversation())


def test_health_checks_need_no_place(run: Run, path: Path) -> None:
    """A health check is answered though all places are taken: else HAProxy would hold us for down, and refuse all."""

    async def conversation() -> None:
        full = ListenerLimits(connections=1)
        async with listening(path, echo, full), connected(path), connected(path, CHECK_FRAME) as check:
            assert isinstance(await check.hear(), AgentHello)
            assert await check.hear() is None

    run(conversation())


def test_patience_is_over(run: Run, path: Path) -> None:
    """Who waits too long for a place is told so (status 13) and cut; it does not get a place afterwards."""
    limits = ListenerLimits(connections=1, conversation=ConversationLimits(hello_seconds=0.5))

    async def conversation() -> None:
        async with listening(path, echo, limits) as server:
            async with connected(path), connected(path, HELLO_FRAME) as waiting:
                heard = await waiting.hear()
                assert isinstance(heard, AgentDisconnect)
                assert heard.status_code == 13
                assert await waiting.hear() is None
            await until(lambda: not server._room.present)
            async with connected(path) as again:
                assert await again.ask(1, {"cred": "y"}) == {"allow": True, "who": "y"}

    run(conversation())


def test_far_too_many_connections(run: Run, path: Path) -> None:
    """Beyond those who ask and those who may wait, a connection is turned away at once (status 13)."""

    async def conversation() -> None:
        limits = ListenerLimits(connections=1, waiting=3)
        async with listening(path, echo, limits) as server, AsyncExitStack() as stack:
            for _ in range(5):
                last = await stack.enter_async_context(connected(path, b""))
            heard = await last.hear()
            assert isinstance(heard, AgentDisconnect)
            assert heard.status_code == 13
            assert await last.hear() is None
            assert len(server._room.present) == 4

    run(conversation())


def test_as_many_connections_as_files(caplog: pytest.LogCaptureFixture) -> None:
    """When the limit of open files is below what was wished for, fewer connections are taken, and the log says so."""
    files, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1000, hard))
    try:
        room = room_for(ListenerLimits(connections=700, waiting=44))
        assert (room.places, room.waiting) == (700, 44)
        assert caplog.text == ""
        room = room_for(ListenerLimits())
        assert (room.places, room.waiting) == (558, 186)
        assert "may open 1000 files: 558 connections may ask, not 4096" in caplog.text
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))


def exists(path: Path) -> bool:
    """Whether something has this name."""
    return path.exists()


async def ask_for_ever(loop: asyncio.AbstractEventLoop, deaf: socket.socket) -> None:
    """Asks without ever reading an answer."""
    question = ask_frame(1, {"pad": "z" * 10_000})
    while True:
        await loop.sock_sendall(deaf, question)


def test_a_peer_that_does_not_read(run: Run, path: Path) -> None:
    """Answers nobody reads stop the questions, so memory stays bounded; then the peer is cut, and others go on."""
    limits = ListenerLimits(conversation=ConversationLimits(stall_seconds=0.3, unread_bytes=64 * 1024))
    asked = 0

    def big(_args: Mapping[str, Value]) -> Answer:
        nonlocal asked
        asked += 1
        return {"x": "y" * 10_000}

    async def conversation() -> None:
        async with listening(path, big, limits), connected(path) as good:
            loop = asyncio.get_running_loop()
            with socket.socket(socket.AF_UNIX) as deaf:
                deaf.setblocking(False)
                await loop.sock_connect(deaf, str(path))
                await loop.sock_sendall(deaf, HELLO_FRAME)
                begin = loop.time()
                with pytest.raises(OSError, match=r"Broken pipe|reset"):
                    await asyncio.wait_for(ask_for_ever(loop, deaf), timeout=20)
                assert loop.time() - begin > 0.25
            assert asked < 300
            assert len(await good.ask(1, {})) == 1

    run(conversation())


def test_a_peer_that_reads_late(run: Run, path: Path) -> None:
    """A peer that reads after a pause gets every answer, though reading from it was stopped in between."""
    limits = ListenerLimits(conversation=ConversationLimits(stall_seconds=5, unread_bytes=16 * 1024))

    async def conversation() -> None:
        async with (
            listening(path, lambda args: {"x": "y" * 10_000, "who": args["cred"]}, limits),
            connected(path) as asker,
        ):
            pad = "z" * 2000  # so that one read does not take them all
            frames = b"".join(ask_frame(number, {"cred": str(number), "pad": pad}) for number in range(400))
            asker.writer.write(frames)
            await asyncio.sleep(0.2)
            assert [variables(await asker.ack())["who"] for _ in range(400)] == [
                str(number) for number in range(400)
            ]

    run(conversation())


def test_an_answer_after_the_goodbye(run: Run, path: Path) -> None:
    """While the goodbye waits for a slow reader, an answer that gets ready is dropped; nothing follows a DISCONNECT."""
    goodbye = encode_haproxy_disconnect(HaproxyDisconnect(0, "normal"))

    async def conversation() -> None:
        go = asyncio.Event()

        async def wait() -> Answer:
            await go.wait()
            return {"late": True}

        def answer(args: Mapping[str, Value]) -> Answer | Awaitable[Answer]:
            return {"x": "y" * 10_000} if args else wait()

        async with listening(path, answer) as server, connected(path) as asker:
            asker.writer.write(ask_frame(1, {}) + ask_frame(2, {"big": True}) * 100 + goodbye)
            await until(lambda: server.counts.questions == 101)
            go.set()
            await asyncio.sleep(0.05)
            closing = asyncio.create_task(server.close())
            await asyncio.sleep(0.05)
            assert {(await asker.ack()).stream_id for _ in range(100)} == {2}
            assert await asker.hear() == AgentDisconnect(0, "normal")
            assert await asker.hear() is None
            await closing

    run(conversation())


@pytest.mark.parametrize("reads", [0, 800_000], ids=["nothing", "some"])
def test_a_goodbye_that_nobody_reads(run: Run, path: Path, reads: int) -> None:
    """A peer that does not read to the end after the goodbye is cut all the same."""
    limits = ListenerLimits(conversation=ConversationLimits(stall_seconds=0.5))
    goodbye = encode_haproxy_disconnect(HaproxyDisconnect(0, "normal"))

    async def conversation() -> None:
        loop = asyncio.get_running_loop()
        async with listening(path, lambda _args: {"x": "y" * 10_000}, limits) as server:
            with socket.socket(socket.AF_UNIX) as deaf:
                deaf.setblocking(False)
                await loop.sock_connect(deaf, str(path))
                await loop.sock_sendall(deaf, HELLO_FRAME + ask_frame(1, {}) * 100 + goodbye)
                heard = 0
                while heard < reads:
                    heard += len(await loop.sock_recv(deaf, 10_000))
                await until(lambda: server.counts.questions == 100)
                begin = loop.time()
                await until(lambda: not server._room.present)
                assert loop.time() - begin > 0.1

    run(conversation())


def test_a_connection_that_comes_while_closing(path: Path) -> None:
    """A connection that was on its way when the server closed does not live on (asyncio's own loop drops it itself)."""

    async def conversation() -> None:
        for turns in range(8):
            server = SpopServer(echo)
            await server.start(path)
            with socket.socket(socket.AF_UNIX) as client:
                client.setblocking(False)
                client.connect(str(path))
                for _ in range(turns):
                    await asyncio.sleep(0)
                await server.close()
                await until(lambda server=server: not server._room.present)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(conversation())


def test_closing_just_after_a_peer_vanished(run: Run, path: Path) -> None:
    """A connection that is lost while it is told to finish is not spoken to any more."""

    async def conversation() -> None:
        async with listening(path, echo) as server:
            async with connected(path):
                closing = asyncio.create_task(server.close())
                await asyncio.sleep(0.002)
            await closing
            await asyncio.sleep(0.03)

    run(conversation())


# --- the end


def test_closing(run: Run, path: Path) -> None:
    """Closing answers what is on its way, says AGENT-DISCONNECT 0 on each connection, and frees the name."""

    async def conversation() -> None:
        ready = asyncio.Event()

        async def when_ready(args: Mapping[str, Value]) -> Answer:
            await ready.wait()
            return {"who": args["cred"]}

        server = SpopServer(when_ready, ListenerLimits(deadline_seconds=60))
        await server.start(path)
        async with connected(path) as busy, connected(path) as idle:
            busy.writer.write(ask_frame(1, {"cred": "x"}))
            await until(lambda: server.counts.questions)
            closing = asyncio.create_task(server.close())
            assert await idle.hear() == AgentDisconnect(0, "normal")
            assert await idle.hear() is None
            assert not exists(path)
            with pytest.raises(OSError, match="No such file"):
                await asyncio.open_unix_connection(str(path))
            busy.writer.write(ask_frame(2, {"cred": "too late"}))
            turned_away = await busy.ack()
            assert (turned_away.stream_id, variables(turned_away)) == (2, {})
            ready.set()
            assert variables(await busy.ack()) == {"who": "x"}
            assert await busy.hear() == AgentDisconnect(0, "normal")
            assert await busy.hear() is None
            await closing
        await server.close()  # a second time does nothing

    run(conversation())


def test_closing_on_a_deaf_peer(run: Run, path: Path) -> None:
    """A peer that reads nothing cannot keep the process alive longer than the grace."""

    async def conversation() -> None:
        loop = asyncio.get_running_loop()
        server = SpopServer(lambda _args: {"x": "y" * 10_000}, ListenerLimits(deadline_seconds=60))
        await server.start(path)
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.setblocking(False)
            await loop.sock_connect(deaf, str(path))
            await loop.sock_sendall(deaf, HELLO_FRAME + ask_frame(1, {}) * 1000)
            await until(lambda: server.counts.questions)
            begin = loop.time()
            await server.close(grace_seconds=0.2)
            assert loop.time() - begin < 20

    run(conversation())


def test_closing_before_it_began(run: Run) -> None:
    """Closing a server that was never started does nothing."""

    async def conversation() -> None:
        server = SpopServer(echo)
        await server.close()
        assert server.counts.questions == 0

    run(conversation())


# --- the socket's name


def test_the_name(run: Run, path: Path) -> None:
    """The socket is for its owner only; a leftover is replaced; who closes leaves a successor's socket alone."""

    async def conversation() -> None:
        with socket.socket(socket.AF_UNIX) as leftover:
            leftover.bind(str(path))
        async with listening(path, echo) as first:
            assert stat.S_IMODE(os.lstat(path).st_mode) == 0o600
            async with listening(path, later):
                await first.close()
                async with connected(path) as asker:
                    assert await asker.ask(1, {"cred": "x", "ms": 0}) == {"who": "x"}
            assert not exists(path)

    run(conversation())


def test_names_that_cannot_be(run: Run, socket_folder: Path) -> None:
    """A path too long, a file in the way and a missing folder are each a clear sentence, and nothing is left over."""
    in_the_way = socket_folder / "file"
    in_the_way.write_text("keep me")

    async def conversation() -> None:
        for bad, sentence in (
            (socket_folder / ("x" * 100), "103 bytes"),
            (in_the_way, "no socket is in the way"),
            (socket_folder / "missing" / "a.sock", "cannot listen there: No such file"),
        ):
            with pytest.raises(CannotListenError, match=sentence):
                await SpopServer(echo).start(bad)

    run(conversation())
    assert in_the_way.read_text() == "keep me"
    assert list(socket_folder.iterdir()) == [in_the_way]
