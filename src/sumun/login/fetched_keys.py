"""The keys of clients that publish them (`jwks_uri`, RFC 7591 2): fetched when needed, kept for a while, fetched anew.

    FRESH_SECONDS    so long nobody asks again, unless a client names a key that is not among them: it has rotated
    PAUSE_SECONDS    between two tries, whatever clients name and whoever does not answer
    STALE_SECONDS    so long they are believed when nobody answers; then it is an outage, and never "wrong key"

So a key that a client takes out of its set is refused after FRESH_SECONDS; one that it adds is good at once, when its
assertions name it (`kid`).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from sumun.errors import OutageError
from sumun.tokens import public_jwk
from sumun.tokens.errors import UnusableKeyError
from sumun.tokens.strict_json import parse_object

log = logging.getLogger(__name__)

FRESH_SECONDS: Final = 300.0
PAUSE_SECONDS: Final = 5.0
STALE_SECONDS: Final = 3600.0
MOST_KEYS: Final = 20
"""Each may cost a signature, when a client names none of them twice."""

Fetch = Callable[[str, bool], Awaitable[bytes]]
"""(URL, whether it may lead to private addresses) -> what is there. Raises OSError: nobody answered as one should."""


class KeySetUnavailableError(OutageError):
    """A client's keys could not be fetched, for too long. Nothing is known of its signature: answer 503."""

    code: ClassVar[str] = "key_set_unavailable"


@dataclass
class _Kept:
    """What is known of one address. Times are steady seconds; None: never."""

    jwks: str = ""
    names: frozenset[str] = frozenset()
    fetched_at: float | None = None
    tried_at: float | None = None
    fetching: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_fresh(self, now: float) -> bool:
        """Nobody has to be asked."""
        return self.fetched_at is not None and now - self.fetched_at < FRESH_SECONDS

    def may_ask(self, now: float) -> bool:
        """The last try is a while ago."""
        return self.tried_at is None or now - self.tried_at >= PAUSE_SECONDS

    def is_believed(self, now: float) -> bool:
        """There are keys, and they are not too old."""
        return self.fetched_at is not None and now - self.fetched_at < STALE_SECONDS


class FetchedKeys:
    """Lives on one event loop. Keeps a set for each address of the configuration, and for how it may be asked."""

    def __init__(self, fetch: Fetch, monotonic: Callable[[], float]) -> None:
        """`monotonic` gives seconds and never goes back."""
        self._fetch = fetch
        self._monotonic = monotonic
        self._kept: dict[tuple[str, bool], _Kept] = {}

    async def of(self, uri: str, kid: str | None, *, private: bool) -> str:
        """The JWK Set, as JSON: with this key, if the client has published it. Raises KeySetUnavailableError."""
        kept = self._kept.setdefault((uri, private), _Kept())
        if not self._suffices(kept, kid):
            async with kept.fetching:
                if not self._suffices(kept, kid) and kept.may_ask(self._monotonic()):
                    await self._renew(kept, uri, private=private)
        if not kept.is_believed(self._monotonic()):
            raise KeySetUnavailableError(f"the keys of a client cannot be fetched: {uri}")
        return kept.jwks

    def _suffices(self, kept: _Kept, kid: str | None) -> bool:
        return kept.is_fresh(self._monotonic()) and (kid is None or kid in kept.names)

    async def _renew(self, kept: _Kept, uri: str, *, private: bool) -> None:
        kept.tried_at = self._monotonic()
        try:
            keys = read_key_set(await self._fetch(uri, private))
        except (OSError, ValueError) as trouble:
            log.warning("the keys of a client were not fetched: %s: %s", uri, trouble)
            return
        kept.jwks = json.dumps({"keys": keys})
        kept.names = frozenset(name for one in keys for name in _names(one))
        kept.fetched_at = self._monotonic()


def read_key_set(content: bytes) -> list[Mapping[str, Any]]:
    """The keys of a JWK Set that we can verify with; others are passed over (RFC 7517 5). ValueError: it is none."""
    found = parse_object(content)
    keys = None if found is None else found.get("keys")
    listed = keys if isinstance(keys, list) else []
    usable: list[Mapping[str, Any]] = [one for one in listed if isinstance(one, dict) and _is_usable(one)]
    if not 1 <= len(usable) <= MOST_KEYS:
        raise ValueError(
            f"it has {len(usable)} keys that can be used, and is to be a JWK Set with 1 to {MOST_KEYS}"
        )
    return usable


def _is_usable(one: Mapping[str, Any]) -> bool:
    try:
        public_jwk.read(one)
    except UnusableKeyError:
        return False
    return True


def _names(one: Mapping[str, Any]) -> tuple[str, ...]:
    key = public_jwk.read(one)
    return (key.kid, key.thumbprint)
