"""TokenStore on a Valkey or Redis server. Keys: `smn:t:<hex digest>` -> record, `smn:i:<token id>` -> hex digest.

Both expire by the server's clock. A change and its news are one script, so no crash separates the two. What is
acknowledged survives as far as the server's `appendfsync` says.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from msgspec.structs import replace

from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.record import TokenRecord
from sumun.tokens.store import KEPT_AFTER_EXPIRY_MS, Rights
from sumun.tokens.stores.stored_record import CorruptRecordError, decode, encode
from sumun.tokens.stores.valkey_link import Answer, ValkeyLink, strange
from sumun.tokens.stores.valkey_scripts import EDIT, FEED, NAMESPACE, NEWS, PUT, REVOKE

_TOKEN = NAMESPACE + "t:"
_INDEX = NAMESPACE + "i:"
_LONGEST_TOKEN_ID = 128


class ValkeyStore:
    """Live tokens in Valkey or Redis. Keeps the TokenStore contract. One per process; lives on its event loop."""

    def __init__(self, link: ValkeyLink) -> None:
        """`link` is this store's own: `close` closes it."""
        self._link = link

    async def put(self, digest: bytes, record: TokenRecord) -> None:
        """Remember a new token until it expires. Raises StoreUnavailableError."""
        gone_at_ms = record.expires_at_ms + KEPT_AFTER_EXPIRY_MS
        keys = [_token_key(digest), _INDEX + record.token_id]
        await self._link.run(PUT, keys, [encode(record), digest.hex(), gone_at_ms])

    async def get_many(self, digests: Sequence[bytes]) -> list[TokenRecord | None]:
        """The records, in order; None where there is none. Raises StoreUnavailableError."""
        if not digests:
            return []
        answer = await self._link.read("MGET", *map(_token_key, digests))
        if not isinstance(answer, list) or len(answer) != len(digests):
            raise strange("MGET")
        return [None if one is None else _record(one) for one in answer]

    async def find(self, token_id: str) -> tuple[bytes, TokenRecord] | None:
        """Digest and record by public handle. Raises StoreUnavailableError."""
        found = await self._stored(token_id)
        return None if found is None else (found[0], _record(found[1]))

    async def edit(self, token_id: str, rights: Rights) -> int | None:
        """Give the token these rights of its own; its expiry stays. Raises StoreUnavailableError."""
        found = await self._stored(token_id)
        if found is None:
            return None
        digest, stored = found
        edited = replace(_record(stored), own_rights=True, roles=rights.roles, permissions=rights.permissions)
        keys = [_token_key(digest), FEED, NEWS]
        return _number_or_none(await self._link.run(EDIT, keys, [_fresh(), encode(edited), token_id]), "EDIT")

    async def revoke(self, digest: bytes) -> int | None:
        """Forget the token. Raises StoreUnavailableError."""
        answer = await self._link.run(REVOKE, [_token_key(digest), FEED, NEWS], [_fresh(), _INDEX])
        return _number_or_none(answer, "REVOKE")

    async def _stored(self, token_id: str) -> tuple[bytes, bytes] | None:
        """Digest and stored bytes by public handle."""
        if len(token_id) > _LONGEST_TOKEN_ID or not token_id.isascii():
            return None
        index = await self._link.command("GET", _INDEX + token_id)
        if index is None:
            return None
        digest = _digest(index)
        stored = await self._link.command("GET", _token_key(digest))
        if stored is None:
            return None
        if not isinstance(stored, bytes):
            raise strange("a record")
        return digest, stored

    async def close(self) -> None:
        """Let go of connections. May be called twice."""
        await self._link.close()


def _token_key(digest: bytes) -> str:
    return _TOKEN + digest.hex()


def _fresh() -> str:
    return secrets.token_hex(8)


def _record(answer: Answer) -> TokenRecord:
    if not isinstance(answer, bytes):
        raise strange("a record")
    try:
        return decode(answer)
    except CorruptRecordError as corrupt:
        # Our outage: of the token we know nothing, least of all that it is unknown.
        raise StoreUnavailableError(str(corrupt)) from None


def _digest(answer: Answer) -> bytes:
    try:
        if isinstance(answer, bytes) and len(answer) == 64:
            return bytes.fromhex(answer.decode("ascii"))
    except ValueError:
        pass
    raise strange("an index")


def _number_or_none(answer: Answer, what: str) -> int | None:
    if answer is None or (isinstance(answer, int) and answer > 0):
        return answer
    raise strange(what)
