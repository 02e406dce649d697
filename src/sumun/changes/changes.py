"""Changes: every change to people, clients, keys and tokens, made and announced."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Collection
from typing import Self, TypeVarTuple

from sumun.audit.events import AuditEvent, TokenEdited, TokenRevoked
from sumun.changes.applied import NOTHING_CHANGED, Applied
from sumun.changes.confirmations import WAIT_SECONDS, Confirmations
from sumun.changes.errors import ChangeNotAnnouncedError
from sumun.changes.in_line import InLine
from sumun.changes.relay import INTERVAL_SECONDS, Relay
from sumun.directory import (
    Directory,
    DirectoryThreads,
    Held,
    NewKey,
    NewUser,
    Occasion,
    OutsidePerson,
    RegisteredClient,
    StoredGrant,
    User,
)
from sumun.directory.errors import DirectoryUnavailableError
from sumun.errors import OutageError
from sumun.identity import Permission, Subject
from sumun.sessions import Farewells, SessionStore
from sumun.tokens.feed import Feed
from sumun.tokens.store import Rights, TokenStore

log = logging.getLogger(__name__)

Ts = TypeVarTuple("Ts")
"""What a mutator of the directory takes before its Occasion."""


class Changes:
    """Changes, for one node. Lives on one event loop; owns none of what it is given.

    Every method may raise, beside the refusals it names:
    DirectoryUnavailableError  nothing was changed (or its sentence says that it may have been)
    StoreUnavailableError      of a token method: the store did not answer; it may have been changed
    ChangeNotAnnouncedError    it is changed for good, and will be announced when the store is back
    ChangeNotConfirmedError    it is changed and announced; nobody can say who has applied it
    `actor` is who does it, for the audit record: `cli:root`, `user:alice`, `client:batch`.
    """

    def __init__(
        self,
        directory: Directory,
        threads: DirectoryThreads,
        store: TokenStore,
        feed: Feed,
        sessions: SessionStore,
        farewells: Farewells,
        *,
        node: str | None,
        clock: Callable[[], float],
        claims_live_seconds: int,
        configured_clients: Callable[[], Collection[str]],
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        """`node` is whose processes are waited for, None: those of every node. `clock` gives unix seconds.

        claims_live_seconds  the longest life of a claims token that may be out there, made by any node under any plan
        configured_clients   the client ids of the configuration file in force
        """
        self._directory = directory
        self._threads = threads
        self._store = store
        self._feed = feed
        self._confirmations = Confirmations(feed, node, wait_seconds)
        self._clock = clock
        self._claims_live_seconds = claims_live_seconds
        self._configured_clients = configured_clients
        self._in_line = InLine(directory, threads, store, sessions, farewells, self._occasion)
        self._relay = Relay(directory, threads, feed, self._in_line)

    def for_all(self) -> Self:
        """The same, and each call waits for the processes of every node, even when there was nothing to change."""
        others = copy.copy(self)
        others._confirmations = self._confirmations.for_all()  # noqa: SLF001 - our own
        return others

    async def settled(self) -> Applied:
        """Change nothing, and wait as if: who has not confirmed what is announced so far? `n` is None."""
        return await self._confirmations.settled()

    # People

    async def add_user(self, new: NewUser, *, actor: str) -> Applied:
        """Raises InvalidNameError, UserExistsError, NameTakenError."""
        return await self._change(actor, self._directory.users.add, new, self._configured_clients())

    async def link_outside(self, person: OutsidePerson) -> User:
        """What an authenticator said of a person at login; the account as it is after that.

        Raises InvalidNameError, NameTakenError, UserFromElsewhereError.
        """
        occasion = self._occasion(f"authenticator:{person.source}")
        linked = await self._threads.change(
            self._directory.users.link_outside, person, self._configured_clients(), occasion
        )
        await self._announced(linked.entry)
        return linked.user

    async def rename_user(self, user_id: str, shown: str, *, actor: str) -> Applied:
        """Raises UnknownUserError, InvalidNameError."""
        return await self._change(actor, self._directory.users.rename, user_id, shown)

    async def grant(self, user_id: str, held: Held, *, actor: str) -> Applied:
        """Give roles and permissions. Raises UnknownUserError."""
        return await self._change(actor, self._directory.users.grant, user_id, held)

    async def withdraw(self, user_id: str, held: Held, *, actor: str) -> Applied:
        """Take roles and permissions away. Raises UnknownUserError, HeldFromElsewhereError."""
        return await self._change(actor, self._directory.users.withdraw, user_id, held)

    async def disable_user(self, user_id: str, *, actor: str) -> Applied:
        """Stop a person; every login ends. Raises UnknownUserError."""
        return await self._change(actor, self._directory.users.disable, user_id)

    async def enable_user(self, user_id: str, *, actor: str) -> Applied:
        """Raises UnknownUserError."""
        return await self._change(actor, self._directory.users.enable, user_id)

    async def set_password(self, user_id: str, password_hash: str, *, actor: str) -> Applied:
        """A new password (hashed: `directory.passwords`); every earlier login ends.

        Raises UnknownUserError, UserFromElsewhereError.
        """
        return await self._change(actor, self._directory.users.set_password, user_id, password_hash)

    async def end_logins(self, subject: Subject, *, actor: str) -> Applied:
        """Log a person or program (configured clients too) out everywhere."""
        return await self._change(actor, self._directory.subjects.end_logins, subject)

    # Clients registered at run time

    async def register_client(self, client: RegisteredClient, *, actor: str) -> Applied:
        """Raises InvalidNameError, ClientExistsError, NameTakenError."""
        return await self._change(actor, self._directory.clients.add, client, self._configured_clients())

    async def change_client(self, client: RegisteredClient, *, actor: str) -> Applied:
        """Make it like this one, but for secret and `disabled`. Raises UnknownClientError, InvalidNameError."""
        return await self._change(actor, self._directory.clients.change, client)

    async def disable_client(self, client_id: str, *, actor: str) -> Applied:
        """Raises UnknownClientError."""
        return await self._change(actor, self._directory.clients.disable, client_id)

    async def enable_client(self, client_id: str, *, actor: str) -> Applied:
        """Raises UnknownClientError."""
        return await self._change(actor, self._directory.clients.enable, client_id)

    async def rotate_client_secret(self, client_id: str, secret_sha256: bytes, *, actor: str) -> Applied:
        """Raises UnknownClientError, DirectoryRefusedError (a public client has no secret)."""
        return await self._change(actor, self._directory.clients.rotate_secret, client_id, secret_sha256)

    # Signing keys

    async def add_key(self, key: NewKey, *, actor: str) -> Applied:
        """Publish it; it does not sign yet. Raises KeyStateError."""
        return await self._change(actor, self._directory.keys.add, key)

    async def activate_key(self, kid: str, retire_others_at_ms: int, *, actor: str) -> Applied:
        """Let it sign. Raises UnknownKeyError, KeyStateError."""
        return await self._change(actor, self._directory.keys.activate, kid, retire_others_at_ms)

    async def retire_key(self, kid: str, *, actor: str) -> Applied:
        """Believe it no more. Raises UnknownKeyError, KeyStateError."""
        return await self._change(actor, self._directory.keys.retire, kid)

    async def retire_due_keys(self) -> Applied:
        """Retire the keys whose last token has expired."""
        return await self._change("sumun", self._directory.keys.retire_due)

    # Tokens

    async def revoke_token(self, digest: bytes, *, actor: str) -> Applied:
        """Forget an opaque token, by the digest of it. `n` is None when there is none.

        The token is revoked even if the directory is away: then the audit record goes to the log.
        """
        (record,) = await self._store.get_many([digest])
        n = await self._store.revoke(digest)
        if n is None:
            return await self.settled()
        if record is None:
            return await self._confirmations.of(n)
        await self._write_down(TokenRevoked(f"token:{record.token_id}", "opaque"), actor)
        return await self._with_what_came_of_it(record.token_id, Applied(n))

    async def revoke_token_id(self, token_id: str, *, actor: str) -> Applied:
        """The same by the token's public handle."""
        found = await self._store.find(token_id)
        return await (self.settled() if found is None else self.revoke_token(found[0], actor=actor))

    async def revoke_claims_token(self, jti: str, expires_at_ms: int, *, actor: str) -> Applied:
        """Deny a JWT until it has expired; durable before this returns."""
        denied = await self._change(actor, self._directory.denials.deny_token, jti, expires_at_ms)
        return await self._with_what_came_of_it(jti, denied)

    async def edit_token(self, token_id: str, rights: Rights, *, actor: str) -> Applied:
        """Give an opaque token these rights of its own, in place. `n` is None when there is no such token."""
        n = await self._store.edit(token_id, rights)
        if n is None:
            return NOTHING_CHANGED
        permissions = frozenset(map(str, rights.permissions))
        await self._write_down(TokenEdited(f"token:{token_id}", rights.roles, permissions), actor)
        return await self._confirmations.of(n)

    # What tokens are issued under. When a call returns, this node refuses what they lost

    async def allow_grant(
        self,
        user_id: str,
        client_id: str,
        scopes: frozenset[Permission],
        openid: frozenset[str],
        refused: frozenset[str] = frozenset(),
        *,
        actor: str,
    ) -> StoredGrant:
        """A person lets a client do this too, and not these; the grant after that. Raises UnknownUserError."""
        allow = self._directory.grants.allow
        occasion = self._occasion(actor)
        return await self._threads.change(allow, user_id, client_id, scopes, openid, occasion, refused)

    async def narrow_grant(
        self, grant_id: str, scopes: frozenset[Permission], openid: frozenset[str], *, actor: str
    ) -> Applied:
        """Leave no more than this of a grant: its opaque tokens lose the rest in place, its JWTs end.

        `n` is None when nothing of it had to go, or there is no such grant.
        """
        narrow = self._directory.grants.narrow
        return await self._change_issued(actor, narrow, grant_id, scopes, openid)

    async def withdraw_grant(self, grant_id: str, *, actor: str) -> Applied:
        """A person lets a client do nothing any more: its tokens and refresh tokens end. `n` as for `narrow_grant`."""
        return await self._change_issued(actor, self._directory.grants.withdraw, grant_id)

    async def end_session(self, session_id: str, *, actor: str) -> Applied:
        """Log a browser out, on every host: its tokens and refresh tokens end, nothing is issued in it any more."""
        return await self._change_issued(actor, self._directory.issued.end_session, session_id)

    async def end_family(self, family_id: str, reason: str, *, actor: str) -> Applied:
        """The refresh tokens of one login end, with the access tokens issued for them; `reason` as in the audit record.

        For an authorization code too that is used twice: whatever was issued for it names the same family.
        """
        return await self._change_issued(actor, self._directory.issued.end_family, family_id, reason)

    # News

    async def confirmed(self, n: int) -> Applied:
        """Wait for those that have not confirmed change `n`, which is announced."""
        return await self._confirmations.of(n)

    async def relay_outbox(self) -> int | None:
        """Announce what a crash left behind, or a process without a feed. See Relay."""
        return await self._relay.relay_outbox()

    async def relay_forever(self, interval_seconds: float = INTERVAL_SECONDS) -> None:
        """The loop that a node runs, until cancelled."""
        await self._relay.relay_forever(interval_seconds)

    def _occasion(self, actor: str) -> Occasion:
        return Occasion(actor, int(self._clock() * 1000), self._claims_live_seconds)

    async def _change(self, actor: str, mutate: Callable[[*Ts, Occasion], int | None], *args: *Ts) -> Applied:
        occasion = self._occasion(actor)
        return await self._announced(await self._threads.change(mutate, *args, occasion))

    async def _with_what_came_of_it(self, token_id: str, revoked: Applied) -> Applied:
        """A token is revoked: so is what it was exchanged for (RFC 8693). Waits for the confirmations of both."""
        swept = await self._in_line.end_what_came_of(token_id)
        news = {revoked.n, swept.n, await self._relay.relay_outbox(0) if swept.claims else None}
        last = max(filter(None, news), default=None)
        return revoked if last is None else await self._confirmations.of(last)

    async def _change_issued(
        self, actor: str, mutate: Callable[[*Ts, Occasion], int | None], *args: *Ts
    ) -> Applied:
        """The same; who finds nothing to change waits for whoever is changing it just now."""
        entry = await self._threads.change(mutate, *args, self._occasion(actor))
        if entry is not None:
            return await self._announced(entry)
        await self._relay.relay_outbox(0)
        return await self._confirmations.settled()

    async def _announced(self, entry: int | None) -> Applied:
        """The entry is committed: announce it, wait for the confirmations."""
        if entry is None and self._confirmations.node is not None:
            return NOTHING_CHANGED
        try:
            n = await self._relay.relay_outbox(0 if entry is None else entry)
            if n is None:
                # Another process was quicker; it published before it deleted, so the head is not older.
                n = (await self._feed.head()).n
        except OutageError as outage:
            raise ChangeNotAnnouncedError(
                f"the change is stored and cannot be announced now ({outage.code}); it will be, when the store "
                "is back: do not repeat it"
            ) from outage
        applied = await self._confirmations.of(n)
        return applied if entry is not None else Applied(None, applied.unconfirmed)

    async def _write_down(self, event: AuditEvent, actor: str) -> None:
        """Record a change of the token store. It is made already, so a directory that is away must not hide that."""
        try:
            await self._threads.change(self._directory.audit.record, event, self._occasion(actor))
        except DirectoryUnavailableError as trouble:
            log.error("not in the audit record: %s %s by %s: %s", event.name, event.about, actor, trouble)
