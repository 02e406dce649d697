"""A story: what happens at an OAuth server of its own, told on an event loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

from tests.conversations.oauth.oauth_server import OAuthServer, oauth_server

Story: TypeAlias = Callable[[OAuthServer], Awaitable[None]]
Tell: TypeAlias = Callable[[Story], None]


def tell(folder: Path, story: Story) -> None:
    """Run a story."""

    async def whole() -> None:
        async with oauth_server(folder) as server:
            await story(server)

    asyncio.run(whole())


def story(check: Story) -> Callable[[Path], None]:
    """A test that is one story."""

    def run(tmp_path: Path) -> None:
        tell(tmp_path, check)

    run.__doc__ = check.__doc__
    return run
