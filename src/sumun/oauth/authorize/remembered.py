"""What people allow clients, and what they refused them, on the event loop."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from sumun.changes import Applied
from sumun.directory import Directory, DirectoryThreads, StoredGrant
from sumun.identity import Permission
from sumun.oauth.authorize.consent import NOTHING, Wanted


class ChangesGrants(Protocol):
    """What this needs of `changes.Changes`."""

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
        """A person lets a client do this too, and not these. Raises UnknownUserError, OutageError."""
        ...

    async def narrow_grant(
        self, grant_id: str, scopes: frozenset[Permission], openid: frozenset[str], *, actor: str
    ) -> Applied:
        """Leave no more than this of a grant, and of everything issued under it. Raises OutageError."""
        ...


class RememberedConsents:
    """Every method raises DirectoryUnavailableError."""

    def __init__(self, directory: Directory, threads: DirectoryThreads, changes: ChangesGrants) -> None:
        """`directory` is read; `changes` makes changes."""
        self._directory = directory
        self._threads = threads
        self._changes = changes

    async def of(self, user_id: str, client_id: str) -> StoredGrant | None:
        """What this person lets this client do; None: nothing."""
        return await self._threads.call(self._directory.grants.of, user_id, client_id)

    async def chose(self, user_id: str, client_id: str, about: Wanted, chosen: Wanted) -> StoredGrant:
        """They were asked `about` this and allowed what they chose; the rest they refused, which takes it back too.

        The grant after that. Raises UnknownUserError, OutageError.
        """
        refused, actor = about.less(chosen), f"user:{user_id}"
        remembered = await self._changes.allow_grant(
            user_id, client_id, chosen.scopes, chosen.openid, refused.texts, actor=actor
        )
        left = _left(remembered, refused)
        if left != remembered:
            await self._changes.narrow_grant(left.id, left.scopes, left.openid, actor=actor)
        return left


def allowed_by(grant: StoredGrant | None) -> Wanted:
    """What a person lets a client do already."""
    return NOTHING if grant is None else Wanted(grant.scopes, grant.openid)


def _left(remembered: StoredGrant, refused: Wanted) -> StoredGrant:
    """The grant without what was refused; a pattern that would still cover it goes as a whole."""
    return replace(
        remembered,
        scopes=frozenset(
            one for one in remembered.scopes if not any(one.covers(no) for no in refused.scopes)
        ),
        openid=remembered.openid - refused.openid,
    )
