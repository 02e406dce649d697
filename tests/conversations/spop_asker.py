"""HAProxy's part of SPOP over a real socket, and a listener of ours to talk to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from sumun.answers.desk import AnswerFunction
from sumun.answers.listener import ListenerLimits, SpopServer
from sumun.spop import Ack, AgentDisconnect, AgentHello, HaproxyHello, Message, SetVar, Value
from sumun.spop.disconnect import decode_agent_disconnect
from sumun.spop.frames import FrameType, decode_ack, encode_notify
from sumun.spop.hello import decode_agent_hello, encode_haproxy_hello

HELLO = HaproxyHello("2.0", 16_380, frozenset({"pipelining", "async"}))
HELLO_FRAME = encode_haproxy_hello(HELLO)


def ask_frame(stream_id: int, args: Mapping[str, Value], name: str = "ask") -> bytes:
    """A question."""
    return encode_notify(stream_id, 1, (Message(name, args),))


class Asker:
    """One connection, from HAProxy's end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def hear(self) -> AgentHello | Ack | AgentDisconnect | None:
        """The next frame of the agent; None when it closed the connection."""
        try:
            size = int.from_bytes(await self.reader.readexactly(4), "big")
            frame = await self.reader.readexactly(size)
        except asyncio.IncompleteReadError as end:
            if end.partial:
                raise  # closed in the middle of a frame
            return None
        except ConnectionResetError:
            return None
        if frame[0] == FrameType.ACK:
            return decode_ack(frame, 0, size)
        if frame[0] == FrameType.AGENT_HELLO:
            return decode_agent_hello(frame, 0, size)
        return decode_agent_disconnect(frame, 0, size)

    async def ack(self) -> Ack:
        """The next frame, which must be an ACK."""
        heard = await self.hear()
        assert isinstance(heard, Ack), heard
        return heard

    async def ask(self, stream_id: int, args: Mapping[str, Value]) -> dict[str, Value]:
        """The variables of the answer to one question, with no other on its way."""
        self.writer.write(ask_frame(stream_id, args))
        heard = await self.ack()
        assert (heard.stream_id, heard.frame_id) == (stream_id, 1)
        return variables(heard)


def variables(ack: Ack) -> dict[str, Value]:
    """What an ACK sets."""
    assert all(isinstance(action, SetVar) for action in ack.actions)
    return {action.name: action.value for action in ack.actions if isinstance(action, SetVar)}


async def until(what: Callable[[], object]) -> None:
    """Wait until `what()` is true."""
    async with asyncio.timeout(20):
        while not what():
            await asyncio.sleep(0.002)


@asynccontextmanager
async def connected(path: Path, first: bytes | None = None) -> AsyncIterator[Asker]:
    """A connection on which `first` was said; without it, HELLO was said and answered."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    asker = Asker(reader, writer)
    try:
        writer.write(HELLO_FRAME if first is None else first)
        if first is None:
            assert isinstance(await asker.hear(), AgentHello)
        yield asker
    finally:
        writer.close()


@asynccontextmanager
async def listening(
    path: Path, answer: AnswerFunction, limits: ListenerLimits | None = None
) -> AsyncIterator[SpopServer]:
    """A listener on `path`; without limits, one that is not put out by a busy machine."""
    server = SpopServer(answer, limits or ListenerLimits(deadline_seconds=60))
    await server.start(path)
    try:
        yield server
    finally:
        await server.close(grace_seconds=1)
