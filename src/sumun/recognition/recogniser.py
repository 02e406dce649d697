"""Recogniser: credential -> Evidence.

    none                            -> Missing
    smn_at_... with a good checksum -> record (store) + standing + client -> judged
    a.b.c                           -> claims (signature, new ones in a line of their own) + denials + client -> judged
    smn_se_... in our cookie        -> session (store) + standing -> judged (`session_looks`)
    anything else                   -> Invalid(malformed), and nobody is asked

Junk never reaches the store. Questions for one credential that meet are one look. Whatever was looked up is checked
against the news in the same loop turn in which it is returned; when it was overtaken, it is looked up again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

from sumun.access import Evidence, Invalid, InvalidBecause, Missing
from sumun.identity import Credential, CredentialKind, Standing, Subject
from sumun.recognition.errors import ChangingTooFastError, TooManyNewTokensError
from sumun.recognition.handle import ClaimsHandle, Handle, OpaqueHandle, SessionHandle
from sumun.recognition.memory import Memory, Ticket
from sumun.recognition.session_looks import SessionLook, SessionLooks
from sumun.recognition.truth import ConfiguredFirst
from sumun.sessions import SessionStore
from sumun.tokens import format as token_format
from sumun.tokens import jws, jwt
from sumun.tokens.batching import BatchingReader
from sumun.tokens.feed import Change, ChangeKind
from sumun.tokens.judge import ClientState, judge_claims, judge_record
from sumun.tokens.record import TokenRecord

_LOOKS = 5
"""A look is overtaken only by news about the very thing it is about. Five in a row: something is wrong."""

_MOST_UNVERIFIED = 2048
"""JWTs that may wait for a verification: what is verified (0.1 to 0.15 ms each) before HAProxy's patience ends."""

_MALFORMED = Invalid(InvalidBecause.MALFORMED)
_UNKNOWN = Invalid(InvalidBecause.UNKNOWN)
T = TypeVar("T")

Hear: TypeAlias = Callable[[Evidence | BaseException | None], None]


@dataclass(frozen=True, slots=True)
class _Look:
    """What was found for an opaque token, and since when news about it would matter."""

    ticket: Ticket
    record: TokenRecord | None
    standing: Standing | None = None
    client: ClientState | None = None

    def about(self) -> tuple[Change, ...]:
        """What this is about."""
        return () if self.record is None else _about(self.record)

    def judged(self, now: float) -> Evidence:
        """What it proves."""
        if self.record is None:
            return _UNKNOWN
        return judge_record(self.record, self.standing, self.client, now, self.ticket.n)


class Recogniser:
    """One per process; lives on its event loop."""

    def __init__(
        self,
        memory: Memory,
        records: BatchingReader[Ticket],
        directory: ConfiguredFirst,
        sessions: SessionStore,
        *,
        issuer: str,
        audience: str,
        steady: Callable[[], float],
    ) -> None:
        """`issuer` and `audience` are what our JWTs say; `steady` gives seconds that never jump."""
        self._memory = memory
        self._records = records
        self._directory = directory
        self._sessions = SessionLooks(sessions, self._standing, memory.ticket)
        self._issuer = issuer
        self._audience = audience
        self._steady = steady
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}
        self._verifying = asyncio.Lock()
        self._unverified = 0

    def recognise_now(self, credential: Credential, now: float) -> Evidence | None:
        """Evidence without any I/O, or None when something must be looked up. `now` is unix seconds.

        Raises OutOfTouchError when this process may have missed changes.
        """
        text = credential.secret
        if credential.kind is CredentialKind.NONE:
            return Missing()
        if credential.kind is CredentialKind.SESSION:
            if not token_format.is_wellformed(text, token_format.SESSION_PREFIX):
                return _MALFORMED
            self._memory.require_trust(self._steady())
            return None
        if text.startswith(token_format.ACCESS_PREFIX):
            if not token_format.is_wellformed(text, token_format.ACCESS_PREFIX):
                return _MALFORMED
            self._memory.require_trust(self._steady())
            return None
        if not jws.is_compact(text):
            return _MALFORMED
        self._memory.require_trust(self._steady())
        return self._from_claims(text, now)

    async def recognise(self, credential: Credential, now: float) -> Evidence:
        """Evidence, looked up if need be. `now` is unix seconds. Raises OutageError: nothing is known, answer 503."""
        text = credential.secret
        for _ in range(_LOOKS):
            evidence = self.recognise_now(credential, now)
            if evidence is not None:
                return evidence
            look: _Look | SessionLook
            if credential.kind is CredentialKind.SESSION:
                look = await self._session(token_format.digest(text), now, used=True)
                self._memory.require_trust(self._steady())
                if self._memory.unchanged_since(look.ticket, look.about()):
                    return look.judged(now)
            elif text.startswith(token_format.ACCESS_PREFIX):
                look = await self._look_up(token_format.digest(text))
                self._memory.require_trust(self._steady())
                if self._memory.unchanged_since(look.ticket, look.about()):
                    return look.judged(now)
            else:
                invalid = await self._learn_claims(text, now)
                if invalid is not None:
                    return invalid
        raise ChangingTooFastError("what the token depends on changed again during each of several looks")

    def look(self, credential: Credential, now: float, hear: Hear) -> bool:
        """Have `hear` told later what `recognise` would find, without a task for it; False when only that can find it.

        For a credential that `recognise_now` needs more for. `hear` is told None when it turns out that there is more
        to look up than the record, or that news overtook it: then ask `recognise`. Raises OutageError.
        """
        text = credential.secret
        if credential.kind is CredentialKind.SESSION or not text.startswith(token_format.ACCESS_PREFIX):
            return False

        def judge(ticket: Ticket, found: TokenRecord | BaseException | None) -> None:
            if isinstance(found, BaseException):
                hear(found)
                return
            try:
                evidence = self._judged_from_memory(ticket, found, now)
            except Exception as failure:  # noqa: BLE001 - it is told: the others of this look must hear theirs
                hear(failure)
            else:
                hear(evidence)

        self._records.ask(token_format.digest(text), self._memory.ticket(), judge)
        return True

    def handle_of(self, credential: Credential) -> Handle | None:
        """How to judge this credential again; to be asked in the loop turn that proved it. None: it cannot be."""
        text = credential.secret
        digest = token_format.digest(text)
        if credential.kind is CredentialKind.SESSION:
            return SessionHandle(digest)
        if text.startswith(token_format.ACCESS_PREFIX):
            return OpaqueHandle(digest)
        claims = self._memory.claims(digest)
        header = jws.read_header(text.partition(".")[0])
        return None if claims is None or header is None else ClaimsHandle(claims, header.kid)

    async def recognise_again(self, handle: Handle, now: float) -> Evidence:
        """What the credential behind the handle proves now. `now` is unix seconds. Raises OutageError.

        Of a session that is no use: one that is only held open goes idle.
        """
        for _ in range(_LOOKS):
            self._memory.require_trust(self._steady())
            if not isinstance(handle, ClaimsHandle):
                look: _Look | SessionLook
                if isinstance(handle, SessionHandle):
                    look = await self._session(handle.digest, now, used=False)
                else:
                    look = await self._look_up(handle.digest)
                self._memory.require_trust(self._steady())
                if self._memory.unchanged_since(look.ticket, look.about()):
                    return look.judged(now)
            else:
                await self._client(handle.claims.client_id)
                self._memory.require_trust(self._steady())
                if self._memory.keys.verifying(handle.key_id, now) is None:
                    return Invalid(InvalidBecause.BAD_SIGNATURE)
                evidence = self._judged(handle.claims, now)
                if evidence is not None:
                    return evidence
        raise ChangingTooFastError("what the token depends on changed again during each of several looks")

    # -- claims --------------------------------------------------------------------------------------------------

    def _from_claims(self, token: str, now: float) -> Evidence | None:
        claims = self._memory.claims(token_format.digest(token))
        return None if claims is None else self._judged(claims, now)

    def _judged(self, claims: jwt.AccessClaims, now: float) -> Evidence | None:
        """What the claims prove, or None when their client must be looked up."""
        client = self._directory.configured_client(claims.client_id)
        if client is None:
            known = self._memory.client(claims.client_id)
            if known is None:
                return None
            client = known.value
        return judge_claims(claims, self._memory.denials, client, now, self._memory.n)

    async def _learn_claims(self, token: str, now: float) -> Invalid | None:
        """Verify the token and learn its client, so that it can be judged; or why it proves nothing."""
        claims = await self._verified(token, now)
        if isinstance(claims, Invalid):
            return claims
        await self._client(claims.client_id)
        return None

    async def _verified(self, token: str, now: float) -> jwt.AccessClaims | Invalid:
        """What the token says, once its signature held.

        A signature is dear, and whoever sends junk makes us verify it. So new tokens stand in a line of their own, one
        is verified at a time, and between two the loop answers everybody who needs none.
        """
        if self._unverified >= _MOST_UNVERIFIED:
            raise TooManyNewTokensError(f"{self._unverified} new tokens wait to be verified")
        self._unverified += 1
        try:
            async with self._verifying:
                digest = token_format.digest(token)
                known = self._memory.claims(digest)
                if known is not None:
                    return known
                await asyncio.sleep(0)
                self._memory.require_trust(self._steady())
                claims = jwt.read(token, self._memory.keys, self._issuer, self._audience, now)
                if not isinstance(claims, Invalid):
                    self._memory.keep_claims(digest, claims)
                return claims
        finally:
            self._unverified -= 1

    # -- sessions ------------------------------------------------------------------------------------------------

    async def _session(self, digest: bytes, now: float, *, used: bool) -> SessionLook:
        return await self._once((digest, used), lambda: self._sessions.look(digest, now, used=used))

    # -- records -------------------------------------------------------------------------------------------------

    def _judged_from_memory(self, ticket: Ticket, record: TokenRecord | None, now: float) -> Evidence | None:
        """What the record proves by what is remembered of its subject and client; None when that is not enough."""
        self._memory.require_trust(self._steady())
        if record is None:
            return _UNKNOWN if self._memory.unchanged_since(ticket, ()) else None
        standing = self._memory.standing(record.subject)
        client = self._directory.configured_client(record.client_id)
        if client is None:
            known = self._memory.client(record.client_id)
            if known is None:
                return None
            client = known.value
        if standing is None:
            return None
        if ticket is not self._memory.ticket() and not self._memory.unchanged_since(ticket, _about(record)):
            return None
        return judge_record(record, standing.value, client, now, ticket.n)

    async def _look_up(self, digest: bytes) -> _Look:
        ticket, record = await self._records.get(digest, self._memory.ticket())
        if record is None:
            return _Look(ticket, None)
        since_standing, standing = await self._standing(record.subject)
        since_client, client = await self._client(record.client_id)
        return _Look(_oldest(ticket, since_standing, since_client), record, standing, client)

    async def _standing(self, subject: Subject) -> tuple[Ticket, Standing | None]:
        known = self._memory.standing(subject)
        if known is not None:
            return self._memory.ticket(), known.value

        async def load() -> tuple[Ticket, Standing | None]:
            ticket = self._memory.ticket()
            found = await self._directory.standing(subject)
            self._memory.keep_standing(ticket, subject, found)
            return ticket, found

        return await self._once(subject, load)

    async def _client(self, client_id: str) -> tuple[Ticket, ClientState | None]:
        configured = self._directory.configured_client(client_id)
        if configured is not None:
            return self._memory.ticket(), configured
        known = self._memory.client(client_id)
        if known is not None:
            return self._memory.ticket(), known.value

        async def load() -> tuple[Ticket, ClientState | None]:
            ticket = self._memory.ticket()
            found = await self._directory.registered_client(client_id)
            self._memory.keep_client(ticket, client_id, found)
            return ticket, found

        return await self._once(client_id, load)

    async def _once(self, key: Hashable, look: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """One look for all who ask while it is under way; an asker who gives up does not end it for the others."""
        task: asyncio.Task[T] | None = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(look())
            task.add_done_callback(lambda done: self._looked(key, done))
        return await asyncio.shield(task)

    def _looked(self, key: Hashable, done: asyncio.Task[Any]) -> None:
        del self._under_way[key]
        if not done.cancelled():
            done.exception()  # when all who asked have gone away, nobody else looks at it


def _about(record: TokenRecord) -> tuple[Change, ...]:
    """Whose news would make another thing of what is known of this record."""
    return (
        Change(ChangeKind.TOKEN, record.token_id),
        _of_subject(record.subject),
        _of_client(record.client_id),
    )


@lru_cache(maxsize=16_384)
def _of_subject(subject: Subject) -> Change:
    return Change(ChangeKind.SUBJECT, str(subject))


@lru_cache(maxsize=4096)
def _of_client(client_id: str) -> Change:
    return Change(ChangeKind.CLIENT, client_id)


def _oldest(*tickets: Ticket) -> Ticket:
    return min(tickets, key=lambda ticket: (ticket.era, ticket.n))
