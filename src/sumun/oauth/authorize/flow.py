"""The way of an authorization request: at every step, what is true now decides what is next.

    /oauth/authorize ──> log in? ──> ask? ──> code ──> the client
                          │           │
                       /login   /oauth/consent          (a Transaction waits meanwhile)

`consider` looks, `give` makes the code. What they find is true of the moment: a right that is taken away, a session
that ends or a grant that is withdrawn between code and token is found by the token endpoint.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sumun.config.plan import Sentence
from sumun.directory import StoredGrant
from sumun.directory.client import RegisteredClient
from sumun.identity import Standing
from sumun.oauth.authorize.codes import Code, Codes
from sumun.oauth.authorize.consent import Wanted, wanted
from sumun.oauth.authorize.remembered import RememberedConsents
from sumun.oauth.authorize.request import AuthorizationRequest
from sumun.oauth.authorize.steps import Ask, Give, LoggedIn, LogIn, consent_step, login_step
from sumun.oauth.authorize.transactions import Waiting
from sumun.oauth.clients import ReadStanding
from sumun.sessions import Session, Sessions

_FAMILY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Considered:
    """Somebody is logged in, well enough for this request: who, what the client wants of them, and what is next.

    remembered   what they let it do before
    """

    session: Session
    standing: Standing
    whole: Wanted
    remembered: StoredGrant | None
    step: Ask | Give


class AuthorizationFlow:
    """Considers requests, and gives codes."""

    def __init__(
        self,
        sessions: Sessions,
        standing: ReadStanding,
        consents: RememberedConsents,
        codes: Codes,
        *,
        vocabulary: Mapping[str, Sentence],
        clock: Callable[[], float],
    ) -> None:
        """`vocabulary`: permission -> words, of the configuration; `clock`: unix seconds."""
        self._sessions = sessions
        self._standing = standing
        self._consents = consents
        self._codes = codes
        self._vocabulary = vocabulary
        self._clock = clock

    async def consider(
        self,
        asked: AuthorizationRequest,
        client: RegisteredClient,
        cookie: str | None,
        waiting: Waiting | None,
    ) -> LogIn | Considered:
        """What is next for the browser with this session cookie. Raises AuthorizationError, OutageError."""
        session = await self._sessions.find(cookie)
        logged_in = None if session is None else _logged_in(session, waiting)
        must_log_in = login_step(asked, logged_in, "", self._clock())
        if session is None or must_log_in is not None:
            return LogIn()
        standing = await self._standing(session.subject)
        if standing is None or standing.disabled:  # since the session was found, a moment ago
            return LogIn()
        whole = wanted(asked.scopes, asked.openid, self._vocabulary, standing.roles)
        remembered = await self._consents.of(session.user_id, client.id)
        before = Wanted() if remembered is None else Wanted(remembered.scopes, remembered.openid)
        step = consent_step(asked, whole, before, first_party=client.first_party)
        return Considered(session, standing, whole, remembered, step)

    async def give(
        self,
        asked: AuthorizationRequest,
        client: RegisteredClient,
        considered: Considered,
        chosen: Wanted | None,
    ) -> str:
        """A code. `chosen`: what the person just allowed, to be remembered; None: they were not asked.

        Who is not asked, because the client is ours, gives it all that it asked for. Raises OutageError.
        """
        remembered = considered.remembered
        if chosen is not None:
            remembered = await self._consents.allow(considered.session.user_id, client.id, chosen)
        if chosen is None and client.first_party:
            granted, grant_id = Wanted(asked.scopes, asked.openid), ""
        else:
            granted = _covered(considered.whole, remembered)
            grant_id = "" if remembered is None else remembered.id
        session = considered.session
        return await self._codes.give(
            Code(
                client_id=client.id,
                redirect_uri=asked.to.redirect_uri,
                challenge=asked.challenge,
                user_id=session.user_id,
                login_epoch=session.who.login_epoch,
                session_id=session.id,
                scopes=granted.scopes,
                openid=granted.openid,
                auth_time=session.who.at,
                amr=session.who.methods,
                acr=session.who.context,
                grant_id=grant_id,
                nonce=asked.nonce,
                resources=asked.resources,
                dpop_jkt=asked.dpop_jkt,
                family_id=f"fam_{secrets.token_hex(_FAMILY_BYTES)}",
            )
        )


def _logged_in(session: Session, waiting: Waiting | None) -> LoggedIn:
    proved_here = waiting is not None and waiting.transaction.session_id == session.id
    return LoggedIn(session.user_id, session.who.at, proved_here)


def _covered(whole: Wanted, remembered: StoredGrant | None) -> Wanted:
    if remembered is None:
        return Wanted()
    return whole.less(whole.without(remembered.scopes, remembered.openid))
