"""Tickets for WebSocket handshakes: who holds a token gets one for it (`docs/streams.md`; no RFC has this)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from sumun.access import Proven
from sumun.identity import Credential, CredentialKind
from sumun.oauth.bearer import bearer_token
from sumun.oauth.certificates import proved_certificate
from sumun.oauth.endpoints.introspect import Recognises
from sumun.oauth.errors import InvalidRequestError, InvalidTokenError, SlowDownError
from sumun.oauth.exchange import Answer, Request, json_answer
from sumun.recognition.errors import ChangingTooFastError
from sumun.recognition.handle import Handle
from sumun.recognition.handshake_tickets import LIFETIME_SECONDS
from sumun.tokens.binding import held

log = logging.getLogger(__name__)


class RecognisesAndRemembers(Recognises, Protocol):
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
        self, recogniser: RecognisesAndRemembers, tickets: IssuesTickets, clock: Callable[[], float]
    ) -> None:
        """`clock` gives unix seconds."""
        self._recogniser = recogniser
        self._tickets = tickets
        self._clock = clock

    async def answer(self, request: Request) -> Answer:
        """A ticket for the token in Authorization; it does not outlive the token."""
        if request.query or request.body:
            raise InvalidRequestError("nothing but the Authorization header is read here")
        credential = Credential(CredentialKind.BEARER, bearer_token(request))
        now = self._clock()
        evidence = held(await self._recogniser.recognise(credential, now), proved_certificate(request))
        seconds = min(LIFETIME_SECONDS, int(evidence.expires_at - now)) if isinstance(evidence, Proven) else 0
        if not isinstance(evidence, Proven) or seconds < 1:
            raise InvalidTokenError("the access token is not valid, has expired or was revoked")
        handle = self._recogniser.handle_of(credential)
        if handle is None:
            raise ChangingTooFastError("what the token proved is forgotten already")
        ticket = await self._tickets.issue(handle, evidence.principal.token_id or "-", seconds)
        if ticket is None:
            raise SlowDownError("too many tickets for this token", LIFETIME_SECONDS)
        log.info(
            "ticket issued: token=%s source=%s request=%s",
            evidence.principal.token_id,
            request.source,
            request.request_id,
        )
        return json_answer(200, {"ticket": ticket, "expires_in": seconds})
