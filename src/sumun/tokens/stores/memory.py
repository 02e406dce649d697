"""TokenStore in this process: for tests, and for a program of one process. Nothing survives it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.feed import Change, ChangeKind
from sumun.tokens.record import TokenRecord
from sumun.tokens.store import KEPT_AFTER_EXPIRY_MS, Rights
from sumun.tokens.stores.memory_feed import MemoryFeed


class MemoryStore:
    """Live tokens in a dict. Keeps the TokenStore contract; its changes go to the feed it is given."""

    def __init__(self, feed: MemoryFeed, clock: Callable[[], float]) -> None:
        """`clock` gives unix seconds, for expiry."""
        self._feed = feed
        self._clock = clock
        self._records: dict[bytes, TokenRecord] = {}
        self._digests: dict[str, bytes] = {}
        self._closed = False

    async def put(self, digest: bytes, record: TokenRecord) -> None:
        """Remember a new token until it expires."""
        self._check_open()
        self._records[digest] = record
        self._digests[record.token_id] = digest

    async def get_many(self, digests: Sequence[bytes]) -> list[TokenRecord | None]:
        """The records, in order; None where there is none."""
        self._check_open()
        return [self._alive(digest) for digest in digests]

    async def find(self, token_id: str) -> tuple[bytes, TokenRecord] | None:
        """Digest and record by public handle."""
        self._check_open()
        digest = self._digests.get(token_id)
        record = self._alive(digest) if digest is not None else None
        return None if digest is None or record is None else (digest, record)

    async def edit(self, token_id: str, rights: Rights) -> int | None:
        """Give the token these rights of its own, in place."""
        found = await self.find(token_id)
        if found is None:
            return None
        digest, record = found
        self._records[digest] = replace(
            record, own_rights=True, roles=rights.roles, permissions=rights.permissions
        )
        return self._feed.append([Change(ChangeKind.TOKEN, token_id)])

    async def revoke(self, digest: bytes) -> int | None:
        """Forget the token."""
        self._check_open()
        record = self._alive(digest)
        if record is None:
            return None
        self._forget(digest, record)
        return self._feed.append([Change(ChangeKind.TOKEN, record.token_id)])

    async def close(self) -> None:
        """Answer nothing any more."""
        self._closed = True

    def _alive(self, digest: bytes) -> TokenRecord | None:
        record = self._records.get(digest)
        if record is not None and self._clock() * 1000 >= record.expires_at_ms + KEPT_AFTER_EXPIRY_MS:
            self._forget(digest, record)
            return None
        return record

    def _forget(self, digest: bytes, record: TokenRecord) -> None:
        del self._records[digest]
        self._digests.pop(record.token_id, None)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailableError("the token store of this process is closed")
