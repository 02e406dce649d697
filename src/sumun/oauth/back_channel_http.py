"""A POST to a client of ours: no redirects, no proxy from the environment, no cookies, certificates always verified; of
the answer only the status is read.
"""

from __future__ import annotations

import asyncio
import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx2

TIMEOUT_SECONDS: Final = 3.0


class BackChannelHttp:
    """Keeps `back_channel.Post`. Lives on one event loop."""

    def __init__(self) -> None:
        """Connects when first used."""
        self._client = httpx2.AsyncClient(
            headers={"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "sumun"},
            verify=ssl.create_default_context(),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=httpx2.Timeout(TIMEOUT_SECONDS),
        )

    async def post(self, url: str, form: bytes) -> int:
        """The status. Raises OSError: nobody answered in time."""
        try:
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                self._client.stream("POST", url, content=form) as response,
            ):
                return int(response.status_code)
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise ConnectionError(type(error).__name__) from None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
