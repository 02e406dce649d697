"""The shop's little services, one process, a socket each. They echo the identity that the gateway tells them.

Run as `python -m sumun.demo.services NAME=FD ...` with listening sockets inherited by number. In the environment,
`ISSUER` is the gateway's address and `ECHO_PORT` where gRPC listens (it takes no socket). products and orders are REST,
prices is SSE, chat a WebSocket echo, reports and stats plain JSON, web and my are
pages for a browser, echo is gRPC.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable

import grpc  # type: ignore[import-untyped]
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from sumun.demo.identity import Verifier, told
from sumun.demo.my import my
from sumun.demo.web import web
from sumun.node.machine.privileges import RUN_AS, become, choose_account
from sumun.node.parts.head_only import HeadOnlyProtocol
from sumun.node.processes import readiness
from sumun.node.processes.part import end_with_parent
from sumun.node.processes.preload import preload

CALLS: Counter[str] = Counter()
LARGEST_BODY = 65536


def products() -> Starlette:
    """REST: list, read, create, delete."""
    shelf: dict[str, str] = {"1": "tea", "2": "rice cake", "3": "persimmon"}
    next_id = itertools.count(4)

    async def index(request: Request) -> Response:
        CALLS["products"] += 1
        if request.method == "POST":
            body = await _json_body(request)
            if body is None or not isinstance(body.get("name"), str):
                return JSONResponse({"error": 'send JSON such as {"name": "pear"}'}, 400)
            number = str(next(next_id))
            shelf[number] = str(body["name"])[:100]
            while len(shelf) > 1000:
                shelf.pop(next(iter(shelf)))
            return JSONResponse(
                {"created": {"id": number, "name": shelf[number]}, "you": told(request.headers)}, 201
            )
        listed = [{"id": number, "name": name} for number, name in shelf.items()]
        return JSONResponse({"products": listed, "you": told(request.headers)})

    async def one(request: Request) -> Response:
        CALLS["products"] += 1
        number = request.path_params["id"]
        if number not in shelf:
            return JSONResponse({"error": f"no product {number[:20]}"}, 404)
        if request.method == "DELETE":
            return JSONResponse(
                {"deleted": {"id": number, "name": shelf.pop(number)}, "you": told(request.headers)}
            )
        return JSONResponse({"product": {"id": number, "name": shelf[number]}, "you": told(request.headers)})

    return Starlette(
        routes=[
            Route("/products", index, methods=["GET", "POST"]),
            Route("/products/{id}", one, methods=["GET", "DELETE"]),
        ]
    )


def orders() -> Starlette:
    """REST; believes nothing but the signed identity token, verified with a standard library."""
    verifier = Verifier(os.environ["ISSUER"], "orders")

    async def index(request: Request) -> Response:
        CALLS["orders"] += 1
        try:
            claims = await asyncio.to_thread(verifier.verify, request.headers.get("x-identity-token", ""))
        except Exception as error:  # noqa: BLE001 (whatever is wrong with it, it is not believed)
            return JSONResponse(
                {"error": "the identity token is not good", "because": type(error).__name__}, 500
            )
        return JSONResponse(
            {"orders": [{"id": "77", "product": "1"}], "you": told(request.headers), "verified": claims}
        )

    return Starlette(routes=[Route("/orders", index, methods=["GET", "POST"])])


def prices() -> Starlette:
    """Server-sent events: one price a second."""

    async def stream(request: Request) -> AsyncIterator[str]:
        yield f"event: hello\ndata: {json.dumps(told(request.headers))}\n\n"
        while True:
            price = {"product": "1", "won": random.randrange(900, 1100)}  # noqa: S311
            yield f"event: price\ndata: {json.dumps(price)}\n\n"
            await asyncio.sleep(1)

    async def index(request: Request) -> Response:
        CALLS["prices"] += 1
        return StreamingResponse(
            stream(request), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    return Starlette(routes=[Route("/prices", index)])


def chat() -> Starlette:
    """WebSocket: says who you are, then says back what you say."""

    async def talk(websocket: WebSocket) -> None:
        CALLS["chat"] += 1
        await websocket.accept()
        await websocket.send_json({"you": told(websocket.headers)})
        try:
            while True:
                await websocket.send_text(await websocket.receive_text())
        except WebSocketDisconnect:
            pass

    return Starlette(routes=[WebSocketRoute("/chat", talk)])


def reports() -> Starlette:
    """One report; the gateway lets only JWT access tokens through to it."""

    async def index(request: Request) -> Response:
        CALLS["reports"] += 1
        return JSONResponse({"report": "all is well", "you": told(request.headers)})

    return Starlette(routes=[Route("/reports", index)])


def stats() -> Starlette:
    """For the internal listener: how often each service was called."""

    async def index(request: Request) -> Response:
        return JSONResponse({"calls": dict(CALLS), "you": told(request.headers)})

    return Starlette(routes=[Route("/internal/stats", index)])


APPS: dict[str, Callable[[], Starlette]] = {
    "products": products,
    "orders": orders,
    "prices": prices,
    "chat": chat,
    "reports": reports,
    "stats": stats,
    "web": web,
    "my": my,
}


class _Say(grpc.GenericRpcHandler):  # type: ignore[misc]
    """gRPC without generated code: `/demo.Echo/Say` (one answer), `/demo.Echo/Count` (a stream); bytes in and out."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if details.method == "/demo.Echo/Say":
            return grpc.unary_unary_rpc_method_handler(self.say)
        if details.method == "/demo.Echo/Count":
            return grpc.unary_stream_rpc_method_handler(self.count)
        return None

    async def say(self, request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        CALLS["echo"] += 1
        return json.dumps({"said": request.decode("utf-8", "replace"), "you": _metadata(context)}).encode()

    async def count(self, _request: bytes, _context: grpc.aio.ServicerContext) -> AsyncIterator[bytes]:
        for number in itertools.count():
            yield str(number).encode()
            await asyncio.sleep(0.2)


def _metadata(context: grpc.aio.ServicerContext) -> dict[str, object]:
    return told({str(key): str(value) for key, value in context.invocation_metadata() or ()})


async def _json_body(request: Request) -> dict[str, object] | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    try:
        read = json.loads(body)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


class _Server(uvicorn.Server):
    """uvicorn that says when it listens; signals are `main`'s, since this process runs several."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


async def _serve(sockets: dict[str, socket.socket]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    servers = []
    running = []
    for name, make in APPS.items():
        config = uvicorn.Config(
            make(),
            http=HeadOnlyProtocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        server = _Server(config)
        servers.append(server)
        running.append(asyncio.create_task(server._serve([sockets[name]])))  # noqa: SLF001
    rpc = grpc.aio.server()
    rpc.add_generic_rpc_handlers((_Say(),))
    rpc.add_insecure_port(f"127.0.0.1:{os.environ['ECHO_PORT']}")
    await rpc.start()
    for server in servers:
        await server.listening.wait()
    readiness.announce_ready()
    await stop.wait()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(rpc.stop(0.5), *running)


def main() -> None:
    """Serve on the sockets that the arguments name."""
    preload()
    become(choose_account(os.environ.get(RUN_AS, "")))
    end_with_parent()
    sockets = {}
    for argument in sys.argv[1:]:
        name, _, fd = argument.partition("=")
        sockets[name] = socket.socket(fileno=int(fd))
    asyncio.run(_serve(sockets))


if __name__ == "__main__":
    main()
