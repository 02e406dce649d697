"""A real authentication server of its own: it knows dave, and nothing of tokens.

Speaks the contract of docs/authentication-server.md. Run as `python -m sumun.demo.authentication_server FD` with a
listening socket inherited by number and the shared secret in the environment as SECRET.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import socket
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sumun.node.machine.privileges import RUN_AS, become, choose_account
from sumun.node.processes import readiness
from sumun.node.processes.part import end_with_parent
from sumun.node.processes.preload import preload

_SALT = b"sumun demo"


def _derive(password: str) -> bytes:
    return hashlib.scrypt(password.encode(), salt=_SALT, n=2**12, r=8, p=1)


# The demo's password is public (README); what an authentication server keeps is a hash all the same.
PEOPLE = {"dave": ("Dave 데이브", ["user"], _derive("dave-demo-pass"))}


async def authenticate(request: Request) -> Response:
    """Who is it, or why not. Never more."""
    expected = f"Bearer {os.environ['SECRET']}"
    if not hmac.compare_digest(request.headers.get("authorization", "").encode(), expected.encode()):
        return JSONResponse({"error": "unknown gateway"}, 401)
    asked = await request.json()
    person = PEOPLE.get(asked["login"])
    if person is None:
        return JSONResponse({"outcome": "not_mine"})
    name, roles, kept = person
    derived = await asyncio.to_thread(_derive, asked["password"])
    if not hmac.compare_digest(derived, kept):
        return JSONResponse({"outcome": "rejected", "reason": "bad_credentials"})
    return JSONResponse({"outcome": "accepted", "subject": asked["login"], "name": name, "roles": roles})


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        readiness.announce_ready()


def main() -> None:
    """Serve on the socket that the argument names."""
    preload()
    become(choose_account(os.environ.get(RUN_AS, "")))
    end_with_parent()
    app = Starlette(routes=[Route("/authenticate", authenticate, methods=["POST"])])
    server = _Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    asyncio.run(server.serve([socket.socket(fileno=int(sys.argv[1]))]))


if __name__ == "__main__":
    main()
