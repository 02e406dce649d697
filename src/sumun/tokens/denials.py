"""Denials: claims tokens that are not believed although their signature is good.

A denial is durable (the directory keeps it) and lasts until the last token it concerns has expired by itself. A process
knows either every living denial or it knows that it does not know them; see `recognition/memory.py`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sumun.tokens.jwt import AccessClaims


class DenialKind(StrEnum):
    """What a denial is about; `Denial.key` names which one."""

    TOKEN = "token"
    """One token. key: its `jti`."""
    SUBJECT = "subject"
    """A subject's tokens of an older epoch than `min_epoch`. key: `user:alice`."""
    CLIENT = "client"
    """Tokens issued through a client, to anybody, when the epoch of the subject `client:ID` was below `min_epoch`.
    key: its client_id."""


@dataclass(frozen=True, slots=True)
class Denial:
    """One denial. `min_epoch` None denies whatever the key names. `expires_at_ms` is unix milliseconds."""

    kind: DenialKind
    key: str
    min_epoch: int | None
    expires_at_ms: int

    def covers(self, other: Denial) -> bool:
        """True when this one of the same kind and key denies at least what `other` denies, and for as long."""
        deeper = self.min_epoch is None or (other.min_epoch is not None and self.min_epoch >= other.min_epoch)
        return deeper and self.expires_at_ms >= other.expires_at_ms


class Denials:
    """Living denials by what they are about. Adding only ever denies more, so the order of adding does not matter."""

    def __init__(self, denials: Iterable[Denial] = ()) -> None:
        """Start with these."""
        self._by_key: dict[tuple[DenialKind, str], Denial] = {}
        self._ends: list[tuple[int, DenialKind, str]] = []
        self.add(denials)

    def __len__(self) -> int:
        return len(self._by_key)

    def add(self, denials: Iterable[Denial]) -> None:
        """Deny these too. Two of one kind and key become one that denies what either denied."""
        for new in denials:
            key = (new.kind, new.key)
            old = self._by_key.get(key)
            if old is not None and old.covers(new):
                continue
            joined = new if old is None or new.covers(old) else _joined(old, new)
            self._by_key[key] = joined
            heapq.heappush(self._ends, (joined.expires_at_ms, *key))

    def drop_expired(self, now: float) -> None:
        """Forget what has ended at `now` (unix seconds): the tokens it was about have expired."""
        while self._ends and self._ends[0][0] <= now * 1000:
            _, kind, key = heapq.heappop(self._ends)
            kept = self._by_key.get((kind, key))
            if kept is not None and kept.expires_at_ms <= now * 1000:
                del self._by_key[kind, key]

    def denies(self, claims: AccessClaims) -> bool:
        """True when this token is not to be believed."""
        if (DenialKind.TOKEN, claims.token_id) in self._by_key:
            return True
        return self._too_old(DenialKind.SUBJECT, str(claims.subject), claims.epoch) or self._too_old(
            DenialKind.CLIENT, claims.client_id, claims.client_epoch
        )

    def _too_old(self, kind: DenialKind, key: str, epoch: int) -> bool:
        denial = self._by_key.get((kind, key))
        return denial is not None and (denial.min_epoch is None or epoch < denial.min_epoch)


def _joined(one: Denial, two: Denial) -> Denial:
    epochs = (one.min_epoch, two.min_epoch)
    deepest = None if None in epochs else max(epoch for epoch in epochs if epoch is not None)
    return Denial(one.kind, one.key, deepest, max(one.expires_at_ms, two.expires_at_ms))
