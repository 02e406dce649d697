"""Authorization codes (RFC 6749 4.1.2): given out once, good for a minute, for one exchange.

A code is kept as SHA-256 with what it stands for. Who redeems it first, of all nodes, puts `used` in the place of `new`
in one atomic step; who comes later is told so, for a code that comes twice was stolen (10.5: "SHOULD revoke (when
possible) all tokens previously issued based on that authorization code"). So a used one is remembered for longer than
it was good.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from sumun.identity import Permission
from sumun.tokens import format as token_format
from sumun.tokens.ephemeral import EphemeralStore, Kind

PREFIX = "smn_ac_"
LIFETIME_SECONDS = 60
# A thief who is slow is still found out, as long as what the code gave may live.
REMEMBERED_SECONDS = 15 * 60

_NEW, _USED = b"n", b"u"


class Code(Struct, frozen=True):
    """What a code stands for. Texts that do not apply are empty.

    challenge    PKCE's, for S256
    login_epoch  the person's when the code was given: a newer one voids it
    scopes, openid   what was granted
    family_id    under which everything is issued that comes of this code
    """

    client_id: str
    redirect_uri: str
    challenge: str
    user_id: str
    login_epoch: int
    session_id: str
    scopes: frozenset[Permission]
    openid: frozenset[str]
    auth_time: int
    amr: tuple[str, ...] = ()
    acr: str = ""
    grant_id: str = ""
    nonce: str = ""
    resources: tuple[str, ...] = ()
    dpop_jkt: str = ""
    family_id: str = ""


@dataclass(frozen=True, slots=True)
class FoundCode:
    """A code that was looked at. `used`: somebody had it before."""

    text: str = field(repr=False)
    code: Code
    used: bool
    stored: bytes = field(repr=False)


class Codes:
    """Codes in the store. Every method raises StoreUnavailableError."""

    def __init__(self, store: EphemeralStore, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._store = store
        self._random = random

    async def give(self, code: Code) -> str:
        """A new code with this meaning."""
        text = token_format.make(PREFIX, self._random(token_format.RANDOM_BYTES))
        await self._store.put(
            Kind.CODE, token_format.digest(text), _NEW + _encode(code), LIFETIME_SECONDS * 1000
        )
        return text

    async def look(self, text: str) -> FoundCode | None:
        """What it stands for. Changes nothing. None: over, or never there."""
        if not token_format.is_wellformed(text, PREFIX):
            return None
        stored = await self._store.get(Kind.CODE, token_format.digest(text))
        if stored is None:
            return None
        return FoundCode(text, _decode(stored[1:]), stored[:1] != _NEW, stored)

    async def redeem(self, found: FoundCode) -> bool:
        """Use it up. True for one caller only, of all on all nodes."""
        digest, used = token_format.digest(found.text), _USED + found.stored[1:]
        if found.used or not await self._store.swap(Kind.CODE, digest, found.stored, used):
            return False
        await self._store.put(Kind.CODE, digest, used, REMEMBERED_SECONDS * 1000)
        return True


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Code).decode
