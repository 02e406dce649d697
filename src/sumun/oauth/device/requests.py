"""What devices asked for, and what people said to that.

    device code -> SHA-256 -> DeviceRequest (no answer yet, refused, or an Approval)
    user code   -> SHA-256 -> the digest of the device code; gone once somebody decided

An answer takes the place of "no answer yet" in one atomic step, and is given out once: of two people who type the same
code, and of all nodes, one decides; of all who poll, one gets the token. Neither code reaches the store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sumun.identity import Permission
from sumun.oauth.device.user_codes import new_user_code
from sumun.tokens import format as token_format
from sumun.tokens.ephemeral import EphemeralStore, Kind
from sumun.tokens.errors import StoreUnavailableError

PREFIX: Final = "smn_dc_"
# RFC 8628 6.1 wants it short for the guesses' sake, and long enough to find a telephone and log in.
LIFETIME_SECONDS: Final = 10 * 60
# For as long again a device is told that its code expired, not that there never was one (3.5).
_REMEMBERED_MS: Final = 2 * LIFETIME_SECONDS * 1000
INTERVAL_SECONDS: Final = 5
# A device that waits the whole interval is never too fast, however its network makes the gaps uneven.
_PACE_MS: Final = INTERVAL_SECONDS * 1000 - 500
_TRIES: Final = 8


class Approval(Struct, frozen=True):
    """What a person allowed.

    login_epoch  the person's at that moment: a newer one voids it
    auth_time, amr, acr   how and when they had proved who they are, as of their session
    """

    user_id: str
    login_epoch: int
    scopes: frozenset[Permission]
    openid: frozenset[str]
    grant_id: str
    auth_time: int
    amr: tuple[str, ...] = ()
    acr: str = ""


class DeviceRequest(Struct, frozen=True):
    """What a device asked for. `scopes` as the client asked, patterns too; `expires_at_ms` by our clock.

    `resources`: for which services (RFC 8707); empty: for all.
    """

    client_id: str
    scopes: frozenset[Permission]
    openid: frozenset[str]
    expires_at_ms: int
    resources: frozenset[str] = frozenset()
    refused: bool = False
    approval: Approval | None = None

    @property
    def decided(self) -> bool:
        """Somebody answered."""
        return self.refused or self.approval is not None


@dataclass(frozen=True, slots=True)
class Begun:
    """The two codes of a request, for the device that made it."""

    device_code: str = field(repr=False)
    user_code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FoundRequest:
    """A request, and what is needed to change exactly this one. `expired`: its time is over."""

    request: DeviceRequest
    expired: bool
    digest: bytes = field(repr=False)
    stored: bytes = field(repr=False)


class DeviceRequests:
    """Requests in the store. Every method raises StoreUnavailableError."""

    def __init__(
        self,
        store: EphemeralStore,
        clock: Callable[[], float],
        new_code: Callable[[], str] = new_user_code,
    ) -> None:
        """`clock` gives unix seconds."""
        self._store = store
        self._clock = clock
        self._new_code = new_code

    async def begin(
        self,
        client_id: str,
        scopes: frozenset[Permission],
        openid: frozenset[str],
        resources: frozenset[str] = frozenset(),
    ) -> Begun:
        """Let a request wait for a person."""
        device_code = token_format.new(PREFIX)
        digest = token_format.digest(device_code)
        ends = int(self._clock() * 1000) + LIFETIME_SECONDS * 1000
        waits = DeviceRequest(client_id, scopes, openid, ends, resources)
        await self._store.put(Kind.DEVICE, digest, _encode(waits), _REMEMBERED_MS)
        for _ in range(_TRIES):
            user_code = self._new_code()
            if await self._store.add(Kind.USER_CODE, _digest(user_code), digest, LIFETIME_SECONDS * 1000):
                return Begun(device_code, user_code)
        raise StoreUnavailableError("no user code is free")

    async def waiting(self, user_code: str) -> FoundRequest | None:
        """The request that waits under a user code (`read_user_code`); None: none, or it was answered."""
        digest = await self._store.get(Kind.USER_CODE, _digest(user_code))
        found = None if digest is None else await self._found(digest)
        return None if found is None or found.expired or found.request.decided else found

    async def decide(self, user_code: str, found: FoundRequest, approval: Approval | None) -> bool:
        """Answer it (None: refused). False: somebody else did, or it is over."""
        after = replace(found.request, refused=approval is None, approval=approval)
        done = await self._store.swap(Kind.DEVICE, found.digest, found.stored, _encode(after))
        await self._store.take(Kind.USER_CODE, _digest(user_code))
        return done

    async def look(self, device_code: str) -> FoundRequest | None:
        """The request of a device code. Changes nothing. None: never there, redeemed, or long over."""
        if not token_format.is_wellformed(device_code, PREFIX):
            return None
        return await self._found(token_format.digest(device_code))

    async def too_fast(self, found: FoundRequest) -> bool:
        """Whether the device asked before, less than the interval ago; this time counts from now on."""
        pace = hashlib.sha256(b"pace" + found.digest).digest()
        return not await self._store.add(Kind.DEVICE, pace, b"", _PACE_MS)

    async def redeem(self, found: FoundRequest) -> bool:
        """Give its answer out. True for one caller only, of all on all nodes."""
        return await self._store.take(Kind.DEVICE, found.digest) is not None

    async def _found(self, digest: bytes) -> FoundRequest | None:
        stored = await self._store.get(Kind.DEVICE, digest)
        if stored is None:
            return None
        request = _decode(stored)
        return FoundRequest(request, request.expires_at_ms <= self._clock() * 1000, digest, stored)


def _digest(user_code: str) -> bytes:
    return hashlib.sha256(user_code.encode("ascii")).digest()


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(DeviceRequest).decode
