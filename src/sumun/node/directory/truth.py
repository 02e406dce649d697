"""recognition.Truth, kept by the directory: the same facts in the words of the other folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sumun.directory import DenialKind as DirectoryDenialKind
from sumun.directory import Directory, DirectoryThreads
from sumun.directory import KeyState as DirectoryKeyState
from sumun.directory import StoredKey as DirectoryKey
from sumun.directory.denials import Denial as DirectoryDenial
from sumun.identity import Standing, Subject
from sumun.tokens.denials import Denial, DenialKind, Denials
from sumun.tokens.feed import Change, ChangeKind
from sumun.tokens.judge import ClientState
from sumun.tokens.signing_keys import KeyRing, StoredKey

_DENIABLE = {
    ChangeKind.TOKEN: DirectoryDenialKind.TOKEN,
    ChangeKind.SUBJECT: DirectoryDenialKind.SUBJECT,
    ChangeKind.CLIENT: DirectoryDenialKind.CLIENT,
}


class DirectoryTruth:
    """The committed state of the directory. Every method raises DirectoryUnavailableError when it cannot answer."""

    def __init__(self, directory: Directory, threads: DirectoryThreads, clock: Callable[[], float]) -> None:
        """`clock` gives unix seconds."""
        self._directory = directory
        self._threads = threads
        self._clock = clock

    async def standing(self, subject: Subject) -> Standing | None:
        if self._directory.is_sqlite:
            # 8 µs on the loop; handing it to a thread costs ten times as much (docs/directory.md).
            return self._directory.standing(subject)
        return await self._threads.call(self._directory.standing, subject)

    async def epochs(self, subject: Subject) -> tuple[int, int]:
        epochs = await self._threads.call(self._directory.subjects.epochs, subject)
        return epochs.epoch, epochs.login_epoch

    async def client(self, client_id: str) -> ClientState | None:
        found = await self._threads.call(self._directory.clients.get, client_id)
        return None if found is None else ClientState(client_id, found.scopes, found.disabled)

    async def keys(self) -> KeyRing:
        return ring_of(await self._threads.call(self._directory.keys.list))

    async def live_denials(self, about: Sequence[Change] | None) -> Sequence[Denial]:
        if about is None:
            alive = await self._threads.call(self._directory.denials.alive, int(self._clock() * 1000))
            return [_denial(one) for one in alive]
        found = []
        for change in about:
            if change.kind in _DENIABLE:
                one = await self._threads.call(self._directory.denials.of, _DENIABLE[change.kind], change.key)
                if one is not None:
                    found.append(_denial(one))
        return found


def ring_of(rows: Sequence[DirectoryKey]) -> KeyRing:
    """The keys that sign or verify. Raises UnusableKeyError."""
    return KeyRing.of(_key(row) for row in rows if row.state is not DirectoryKeyState.RETIRED)


def living_denials(directory: Directory, now: float) -> Denials:
    """Every denial that is alive at `now` (unix seconds). Raises DirectoryUnavailableError."""
    return Denials(_denial(one) for one in directory.denials.alive(int(now * 1000)))


def _key(row: DirectoryKey) -> StoredKey:
    return StoredKey(
        kid=row.kid,
        alg=row.alg,
        state=row.state.value,
        private_jwk=row.private_jwk,
        created_at_ms=row.created_at_ms,
        retires_at_ms=row.retires_at_ms,
    )


def _denial(row: DirectoryDenial) -> Denial:
    return Denial(DenialKind(row.kind.value), row.key, row.min_epoch, row.expires_at_ms)
