"""What an answering process and the keeper say to each other about streams: messages, length in front.

answering process -> keeper    Opened      these may stay open; kept until it hears Taken
keeper -> answering process    Taken       they are written down
keeper -> answering process    Judge       may these go on, now that you know the news up to n?
answering process -> keeper    Judged      yes, no, or cannot tell, in that order
"""

from __future__ import annotations

import asyncio
import struct
from typing import Final

import msgspec

from sumun.recognition.handle import Tagged

LENGTH: Final = struct.Struct("!I")
LONGEST: Final = 64 << 20


class OpenStream(msgspec.Struct, frozen=True, array_like=True):
    """A request that was allowed and may stay open.

    name         `haproxy/stream_commands.STREAM_NAME`
    generation, route_id, internal   by which rule it was allowed
    subject, token, client           whom news may concern; `-` for none
    expires      unix seconds: when its token ends
    incarnation, as_of               the feed's number up to which its token was judged
    credential   how to judge it again
    again_seconds   how often that is done without any news: what it hangs on may end in silence (0: never)
    """

    name: str
    generation: int
    route_id: str
    internal: bool
    subject: str
    token: str
    client: str
    expires: float
    incarnation: str
    as_of: int
    credential: Tagged
    again_seconds: float = 0.0


class Opened(msgspec.Struct, array_like=True, tag="opened"):
    """`number` counts the messages of this sender."""

    number: int
    streams: list[OpenStream]


class Judged(msgspec.Struct, array_like=True, tag="judged"):
    """The answer to a Judge of this number; None: cannot tell."""

    number: int
    may: list[bool | None]


class Taken(msgspec.Struct, array_like=True, tag="taken"):
    """The message of this number is written down."""

    number: int


class Judge(msgspec.Struct, array_like=True, tag="judge"):
    """A question. What must be known to answer it: the news up to `n`, and that generation `adopted` is in force."""

    number: int
    incarnation: str
    n: int
    adopted: int
    streams: list[OpenStream]


encode = msgspec.msgpack.Encoder().encode
from_answerer = msgspec.msgpack.Decoder(Opened | Judged).decode
from_keeper = msgspec.msgpack.Decoder(Taken | Judge).decode


def framed(message: Opened | Judged | Taken | Judge) -> bytes:
    """The message with its length in front."""
    body = encode(message)
    return LENGTH.pack(len(body)) + body


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """The next message. Raises ConnectionError when it is longer than one can be, IncompleteReadError at the end."""
    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    if length > LONGEST:
        raise ConnectionError("a message is longer than any can be")
    return await reader.readexactly(length)
