"""TokenStore in this process: for tests, and for a program of one process. Nothing survives it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from msgspec.structs import replace

from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.feed import Change, ChangeKind
from sumun.tokens.format import is_claims_id
from sumun.tokens.record import TokenRecord
from sumun.tokens.store import ENDED_FOR_MS, KEPT_AFTER_EXPIRY_MS, Hear, Rights, Swept, stands_under
from sumun.tokens.stores.memory_feed import MemoryFeed


class MemoryStore:
    """Live tokens in a dict. Keeps the TokenStore contract; its changes go to the feed it is given."""

    def __init__(self, feed: MemoryFeed, clock: Callable[[], float]) -> None:
        """`clock` gives unix seconds, for expiry."""
        self._feed = feed
        self._clock = clock
        self._records: dict[bytes, TokenRecord] = {}
        self._digests: dict[str, bytes] = {}
        self._under: dict[str, dict[str, int]] = {}  # id -> token id -> expiry, unix ms
        self._ended: dict[str, float] = {}  # id -> until when that is remembered, unix ms
        self._closed = False

    async def put(self, digest: bytes, record: TokenRecord, came_of: str = "") -> bool:
        """Remember a new token until it expires; False when what it is for has ended."""
        self._check_open()
        if not self._stand_under(record.token_id, record.expires_at_ms, stands_under(record, came_of)):
            return False
        self._records[digest] = record
        self._digests[record.token_id] = digest
        return True

    async def put_claims(self, token_id: str, expires_at_ms: int, under: Collection[str]) -> bool:
        """Remember what a JWT was issued for; False when that has ended."""
        self._check_open()
        return self._stand_under(token_id, expires_at_ms, under)

    async def get_many(self, digests: Sequence[bytes]) -> list[TokenRecord | None]:
        """The records, in order; None where there is none."""
        self._check_open()
        return [self._alive(digest) for digest in digests]

    def look(self, digests: Sequence[bytes], hear: Hear) -> None:
        """Have `hear` told what `get_many` would find."""
        try:
            self._check_open()
        except StoreUnavailableError as closed:
            hear(closed)
        else:
            hear([self._alive(digest) for digest in digests])

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

    async def end_under(self, key: str) -> Swept:
        """Forget every token under this id, and take no more."""
        self._check_open()
        self._ended[key] = self._clock() * 1000 + ENDED_FOR_MS
        return self._swept(key, lambda _: None)

    async def narrow_under(self, key: str, narrow: Callable[[TokenRecord], TokenRecord | None]) -> Swept:
        """Make every token under this id what `narrow` makes of it."""
        self._check_open()
        return self._swept(key, narrow)

    async def close(self) -> None:
        """Answer nothing any more."""
        self._closed = True

    def _stand_under(self, token_id: str, expires_at_ms: int, under: Collection[str]) -> bool:
        now_ms = self._clock() * 1000
        if any(self._ended.get(key, 0) > now_ms for key in under):
            return False
        for key in under:
            held = self._under.get(key, {})
            alive = {one: end for one, end in held.items() if end + KEPT_AFTER_EXPIRY_MS > now_ms}
            self._under[key] = alive | {token_id: expires_at_ms}
        return True

    def _swept(self, key: str, narrow: Callable[[TokenRecord], TokenRecord | None]) -> Swept:
        news: list[Change] = []
        claims: list[tuple[str, int]] = []
        for token_id, expires_at_ms in list(self._under.get(key, {}).items()):
            digest = self._digests.get(token_id)
            record = self._alive(digest) if digest is not None else None
            if digest is None or record is None:
                if is_claims_id(token_id):
                    claims.append((token_id, expires_at_ms))
                continue
            wanted = narrow(record)
            if wanted is None:
                self._forget(digest, record)
            else:
                self._records[digest] = wanted
            if wanted != record:
                news.append(Change(ChangeKind.TOKEN, token_id))
        return Swept(self._feed.append(news) if news else None, tuple(claims))

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
