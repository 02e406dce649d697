"""What HAProxy reaches through http.sock, and how a new generation takes its place there.

The OAuth server of a generation is built when the generation is learned, beside the one in force; it takes over when
the generation is adopted; the old one is closed when its generation is retired, so what it is doing can be finished.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack

from sumun.config import Plan
from sumun.node.assemble.following import Following
from sumun.node.assemble.oauth import build_oauth
from sumun.node.assemble.shared import Shared
from sumun.node.in_force import load_plan
from sumun.node.machine.folders import DataFolder
from sumun.node.machine.secret_refs import Secrets
from sumun.oauth.app import OAuthApp, Receive, Scope, Send
from sumun.telemetry.metrics import CONTENT_TYPE, exposition


class _Served:
    """The OAuth server of one generation, what it has open, and whether it is at work."""

    def __init__(self, plan: Plan, oauth: OAuthApp, stack: AsyncExitStack) -> None:
        self.plan = plan
        self.stack = stack
        self.idle = asyncio.Event()
        self.idle.set()
        self._oauth = oauth
        self._busy = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._busy += 1
        self.idle.clear()
        try:
            await self._oauth(scope, receive, send)
        finally:
            self._busy -= 1
            if not self._busy:
                self.idle.set()


class Site:
    """An ASGI application: metrics for the operator's listener, the OAuth server in force for the others."""

    def __init__(self, folder: DataFolder, shared: Shared, following: Following) -> None:
        """Nothing is served before a generation is adopted."""
        self._folder = folder
        self._shared = shared
        self._following = following
        self._served: dict[int, _Served] = {}
        self._in_force: _Served | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """HAProxy says which listener a request came in by, and strips that header from what clients send."""
        if scope["type"] == "http" and (b"x-sumun-listener", b"operator") in scope["headers"]:
            await _metrics(send)
        elif self._in_force is not None:
            await self._in_force(scope, receive, send)

    async def learn(self, words: str) -> str:
        """`learn N SECRETS`: the supervisor reads the secrets, for this part has dropped root."""
        number, _, texts = words.partition(" ")
        await self.build(int(number), load_plan(self._folder, int(number)), Secrets(json.loads(texts)))
        return "learned"

    async def adopt(self, words: str) -> str:
        """`adopt N`: its clients, logins and lifetimes are the ones that count."""
        served = self._served[int(words)]
        self._shared.in_force.adopt(served.plan)
        self._following.directory.configure(served.plan.clients)
        self._following.memory.reconfigured()
        self._in_force = served
        return "adopted"

    async def retire(self, words: str) -> str:
        """`retire N`: let go of what it had open, when the requests that it still serves are over."""
        served = self._served.pop(int(words), None)
        if served is not None:
            await served.idle.wait()
            await served.stack.aclose()
        return "retired"

    async def build(self, generation: int, plan: Plan, secrets: Secrets) -> None:
        """Build the OAuth server of a generation. Raises what an authenticator's builder raises."""
        async with AsyncExitStack() as stack:
            oauth = await stack.enter_async_context(build_oauth(self._shared, self._following, plan, secrets))
            self._served[generation] = _Served(plan, oauth, stack.pop_all())

    async def close(self) -> None:
        """Let go of everything."""
        while self._served:
            _, served = self._served.popitem()
            await served.stack.aclose()


async def _metrics(send: Send) -> None:
    body = exposition()
    headers = [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
