"""Truth: what recognition asks of the directory; and the clients of the configuration, who win over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from sumun.config.plan import Client
from sumun.identity import Standing, Subject, SubjectKind
from sumun.tokens.denials import Denial
from sumun.tokens.feed import Change
from sumun.tokens.judge import ClientState
from sumun.tokens.signing_keys import KeyRing


class Truth(Protocol):
    """The committed state, never a lagging copy: an answer contains every change published before the question.

    Every method raises OutageError when it cannot answer; None means "there is none", for certain.
    """

    async def standing(self, subject: Subject) -> Standing | None:
        """What the directory says of a person or a registered client."""
        ...

    async def epochs(self, subject: Subject) -> tuple[int, int]:
        """(epoch, login_epoch) of any subject, a configured client too; (0, 0) when nothing was ever taken from it."""
        ...

    async def client(self, client_id: str) -> ClientState | None:
        """A client registered at run time."""
        ...

    async def keys(self) -> KeyRing:
        """Every signing key that verifies."""
        ...

    async def live_denials(self, about: Sequence[Change] | None) -> Sequence[Denial]:
        """The denials that concern these changes; all that are alive for None. More than asked for does no harm."""
        ...


class ConfiguredFirst:
    """Clients and standings: the configuration's clients are what it says, everything else is asked of the Truth."""

    def __init__(self, truth: Truth, configured: Mapping[str, Client]) -> None:
        """`configured` is the plan's mapping of client ids."""
        self._truth = truth
        self.configure(configured)

    def configure(self, configured: Mapping[str, Client]) -> None:
        """Another configuration is in force."""
        self._configured = configured
        self._states = {
            client_id: ClientState(client_id, frozenset(client.scopes))
            for client_id, client in configured.items()
        }

    def configured_client(self, client_id: str) -> ClientState | None:
        """A client of the configuration, without any I/O; None when it has no such client."""
        return self._states.get(client_id)

    async def registered_client(self, client_id: str) -> ClientState | None:
        """A client registered at run time, for an id that the configuration does not have. Raises OutageError."""
        return await self._truth.client(client_id)

    async def standing(self, subject: Subject) -> Standing | None:
        """Any subject. Raises OutageError.

        A configured client's rights are the configuration's; its epochs live in the directory, so that its logins can
        be ended like anybody's.
        """
        client = self._configured.get(subject.id) if subject.kind is SubjectKind.CLIENT else None
        if client is None:
            return await self._truth.standing(subject)
        epoch, login_epoch = await self._truth.epochs(subject)
        return Standing(
            subject=subject,
            name=client.id,
            roles=frozenset(client.roles),
            permissions=frozenset(client.permissions),
            disabled=False,
            epoch=epoch,
            login_epoch=login_epoch,
        )
