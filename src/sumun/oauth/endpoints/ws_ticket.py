"""Tickets for WebSocket handshakes: who holds a token gets one for it (`docs/streams.md`; no RFC has this)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from sumun.identity import Credential
from sumun.oauth.caller import Callers
from sumun.oauth.errors import InvalidRequestError, InvalidTokenError, SlowDownError
from sumun.oauth.exchange import Answer, Request, json_answer
from sumun.recognition.errors import ChangingTooFastError
from sumun.recognition.handle import Handle
from sumun.recognition.handshake_tickets import LIFETIME_SECONDS

log = logging.getLogger(__name__)


class Remembers(Protocol):
    """What this needs of `recognition`."""

    def handle_of(self, credential: Credential) -> Handle | None:
        """How to judge this credential again; to be asked in the loop turn that proved it."""
        ...


class IssuesTickets(Protocol):
    """What this needs of `recognition.handshake_tickets.HandshakeTickets`."""

    async def issue(self, handle: Handle, token_id: str, lifetime_seconds: int) -> str | None:
        """A new ticket; None: the token has got too many of late. Raises OutageError."""
        ...


class WsTicketEndpoint:
    """Gives out one-time tickets."""

    def __init__(
        self, callers: Callers, remembers: Remembers, tickets: IssuesTickets, clock: Callable[[], float]
    ) -> None:
        """`clock` gives unix seconds."""
        self._callers = callers
        self._remembers = remembers
        self._tickets = tickets
        self._clock = clock

    async def answer(self, request: Request) -> Answer:
        """A ticket for the token in Authorization; it does not outlive the token."""
        if request.query or request.body:
            raise InvalidRequestError("nothing but the Authorization header is read here")
        caller = await self._callers.of(request)
        seconds = min(LIFETIME_SECONDS, int(caller.proven.expires_at - self._clock()))
        if seconds < 1:
            raise InvalidTokenError("the access token is not valid, has expired or was revoked")
        handle = self._remembers.handle_of(caller.credential)
        if handle is None:
            raise ChangingTooFastError("what the token proved is forgotten already")
        ticket = await self._tickets.issue(handle, caller.proven.principal.token_id or "-", seconds)
        if ticket is None:
            raise SlowDownError("too many tickets for this token", LIFETIME_SECONDS)
        log.info(
            "ticket issued: token=%s source=%s request=%s",
            caller.proven.principal.token_id,
            request.source,
            request.request_id,
        )
        return json_answer(200, {"ticket": ticket, "expires_in": seconds})
