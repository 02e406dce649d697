"""TokenStore on a Valkey or Redis server. Keys: `smn:t:<hex digest>` -> record, `smn:i:<token id>` -> hex digest.

Both expire by the server's clock. A change and its news are one script, so no crash separates the two. What is
acknowledged survives as far as the server's `appendfsync` says. What stands under a session, grant or family is the
matter of `valkey_under`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Sequence

from msgspec.structs import replace

from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.record import TokenRecord
from sumun.tokens.store import KEPT_AFTER_EXPIRY_MS, Found, Hear, Rights, Swept, stands_under
from sumun.tokens.stores.stored_record import CorruptRecordError, decode, encode
from sumun.tokens.stores.valkey_link import Answer, ValkeyLink, strange
from sumun.tokens.stores.valkey_scripts import FEED, INDEX, NEWS, PUT, REPLACE, REVOKE, TOKEN
from sumun.tokens.stores.valkey_under import ValkeyUnder

_LONGEST_TOKEN_ID = 128
log = logging.getLogger(__name__)


class ValkeyStore:
    """Live tokens in Valkey or Redis. Keeps the TokenStore contract. One per process; lives on its event loop."""

    def __init__(self, link: ValkeyLink) -> None:
        """`link` is this store's own: `close` closes it."""
        self._link = link
        self._under = ValkeyUnder(link)

    async def put(self, digest: bytes, record: TokenRecord, came_of: str = "") -> bool:
        """Remember a new token until it expires; False when what it is for has ended. Raises StoreUnavailableError."""
        stored = encode(record)
        under = stands_under(record, came_of)
        if under:
            return await self._under.put(digest, record, stored, under)
        gone_at_ms = record.expires_at_ms + KEPT_AFTER_EXPIRY_MS
        keys = [_token_key(digest), INDEX + record.token_id]
        await self._link.run(PUT, keys, [stored, digest.hex(), gone_at_ms])
        return True

    async def put_claims(self, token_id: str, expires_at_ms: int, under: Collection[str]) -> bool:
        """Remember what a JWT was issued for; False when that has ended. Raises StoreUnavailableError."""
        return await self._under.put_claims(token_id, expires_at_ms, under)

    async def get_many(self, digests: Sequence[bytes]) -> list[TokenRecord | None]:
        """The records, in order; None where there is none. Raises StoreUnavailableError."""
        asker: asyncio.Future[Found] = asyncio.get_running_loop().create_future()

        def hear(found: Found) -> None:
            if not asker.done():  # it went away
                asker.set_result(found)

        self.look(digests, hear)
        records = await asker
        if isinstance(records, StoreUnavailableError):
            raise records
        return records

    def look(self, digests: Sequence[bytes], hear: Hear) -> None:
        """Have `hear` told what `get_many` would find, without a task for it."""
        if not digests:
            hear([])
            return
        words = ("MGET", *map(_token_key, digests))
        self._link.read(words, lambda answer: hear(_records(answer, len(digests))))

    async def find(self, token_id: str) -> tuple[bytes, TokenRecord] | None:
        """Digest and record by public handle. Raises StoreUnavailableError."""
        found = await self._stored(token_id)
        return None if found is None else (found[0], _record(found[1]))

    async def edit(self, token_id: str, rights: Rights) -> int | None:
        """Give the token these rights of its own; its expiry stays. Raises StoreUnavailableError."""
        while found := await self._stored(token_id):
            digest, stored = found
            edited = replace(
                _record(stored), own_rights=True, roles=rights.roles, permissions=rights.permissions
            )
            keys = [FEED, NEWS, _token_key(digest)]
            words: list[str | bytes] = [_fresh(), INDEX, token_id, stored, encode(edited)]
            match await self._link.run(REPLACE, keys, words):
                case [int(n), []]:
                    return n
                case [_, [_]]:
                    continue  # it was changed, or forgotten, since it was read
            raise strange("REPLACE")
        return None

    async def revoke(self, digest: bytes) -> int | None:
        """Forget the token. Raises StoreUnavailableError."""
        answer = await self._link.run(REVOKE, [_token_key(digest), FEED, NEWS], [_fresh(), INDEX])
        return _number_or_none(answer, "REVOKE")

    async def _stored(self, token_id: str) -> tuple[bytes, bytes] | None:
        """Digest and stored bytes by public handle."""
        if len(token_id) > _LONGEST_TOKEN_ID or not token_id.isascii():
            return None
        index = await self._link.command("GET", INDEX + token_id)
        if index is None:
            return None
        digest = _digest(index)
        stored = await self._link.command("GET", _token_key(digest))
        if stored is None:
            return None
        if not isinstance(stored, bytes):
            raise strange("a record")
        return digest, stored

    async def end_under(self, key: str) -> Swept:
        """Forget every token under this id, and take no more. Raises StoreUnavailableError."""
        return await self._under.end(key)

    async def narrow_under(self, key: str, narrow: Callable[[TokenRecord], TokenRecord | None]) -> Swept:
        """Make every token under this id what `narrow` makes of it. Raises StoreUnavailableError."""
        return await self._under.narrow(key, narrow)

    async def close(self) -> None:
        """Let go of connections. May be called twice."""
        await self._link.close()


def _token_key(digest: bytes) -> str:
    return TOKEN + digest.hex()


def _fresh() -> str:
    return secrets.token_hex(8)


def _records(answer: Answer | StoreUnavailableError, count: int) -> Found:
    if isinstance(answer, StoreUnavailableError):
        return answer
    if not isinstance(answer, list) or len(answer) != count:
        return strange("MGET")
    try:
        return [None if one is None else _record(one) for one in answer]
    except StoreUnavailableError as corrupt:
        return corrupt
    except Exception:
        # A fault of ours: whoever waits must hear of it, or who asks for these tokens later would wait for ever, too.
        log.exception("records could not be read")
        return strange("a record")


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
