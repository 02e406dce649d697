"""The public keys of claims tokens as a JWK Set (RFC 7517 section 5)."""

from __future__ import annotations

from collections.abc import Callable

from sumun.oauth.exchange import Answer, Headers, Request, json_answer
from sumun.tokens.signing_keys import KeyRing

# A new key is published before it signs for longer than this, and an old one stays until its last token is over.
_CACHED: Headers = ((b"cache-control", b"public, max-age=300"),)


class KeysEndpoint:
    """Publishes the keys that verify now."""

    def __init__(self, keys: Callable[[], KeyRing], clock: Callable[[], float]) -> None:
        """`keys` gives today's ring, `clock` unix seconds."""
        self._keys = keys
        self._clock = clock

    async def answer(self, request: Request) -> Answer:
        """The set; nothing private is in it."""
        return json_answer(200, self._keys().jwks(self._clock()), _CACHED)
