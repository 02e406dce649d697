"""Trailer fields are no header fields."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from sumun.node.parts.head_only import HeadOnlyProtocol

HEAD = b"POST / HTTP/1.1\r\nHost: gate\r\nX-Sumun-Source: 192.0.2.1\r\nTransfer-Encoding: chunked\r\n\r\n"
BODY = b"2\r\nhi\r\n"
END = b"0\r\nX-Sumun-Source: 203.0.113.9\r\nX-Sumun-Client-Certificate: 0;AAAA\r\n\r\n"


class Wire(asyncio.Transport):
    """What is written to nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.said = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.said += bytes(data)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def is_closing(self) -> bool:
        return False

    def close(self) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


@pytest.mark.parametrize(
    "pieces", [(HEAD + BODY + END,), (HEAD, BODY, END), (HEAD + BODY, END[:20], END[20:])]
)
def test_what_stands_behind_a_body_is_dropped(pieces: tuple[bytes, ...]) -> None:
    """The application sees the fields of the head alone, before it reads the body and after, and the next request's too."""
    seen: list[list[tuple[bytes, bytes]]] = []

    async def app(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        seen.append(list(scope["headers"]))
        while (await receive()).get("more_body"):
            pass
        seen.append(list(scope["headers"]))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def story() -> None:
        config = uvicorn.Config(app, http=HeadOnlyProtocol, lifespan="off", log_config=None, ws="none")
        config.load()
        protocol = HeadOnlyProtocol(config, ServerState(), {})
        wire = Wire()
        protocol.connection_made(wire)
        for answered in (1, 2):
            for piece in pieces:
                protocol.data_received(piece)
                await asyncio.sleep(0)
            while wire.said.count(b"204 No Content") < answered:
                await asyncio.sleep(0)
        protocol.connection_lost(None)

    asyncio.run(asyncio.wait_for(story(), 20))
    names = [b"host", b"x-sumun-source", b"transfer-encoding"]
    assert [[name for name, _ in fields] for fields in seen] == [names] * 4
    assert all((b"x-sumun-source", b"192.0.2.1") in fields for fields in seen)
