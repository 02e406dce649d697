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
from sumun.oauth.authorize.consent import NOTHING, Wanted, wanted
from sumun.oauth.authorize.errors import AuthorizationError, Refusal
from sumun.oauth.authorize.remembered import RememberedConsents, allowed_by
from sumun.oauth.authorize.request import AuthorizationRequest
from sumun.oauth.authorize.steps import Ask, Give, LoggedIn, LogIn, consent_step, login_step
from sumun.oauth.authorize.transactions import Waiting
from sumun.oauth.clients import ReadStanding
from sumun.sessions import Session, Sessions

_FAMILY_BYTES = 16

HintedUser = Callable[[str, str], str | None]
"""Whom an ID token names, whatever its age, if this client got it here; None otherwise. Raises OutageError."""


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
        hinted_user: HintedUser,
        clock: Callable[[], float],
    ) -> None:
        """`vocabulary`: permission -> words, of the configuration; `clock`: unix seconds."""
        self._sessions = sessions
        self._standing = standing
        self._consents = consents
        self._codes = codes
        self._vocabulary = vocabulary
        self._hinted_user = hinted_user
        self._clock = clock

    async def consider(
        self,
        asked: AuthorizationRequest,
        client: RegisteredClient,
        cookie: str | None,
        waiting: Waiting | None,
    ) -> LogIn | Considered:
        """What is next for the browser with this session cookie. Raises AuthorizationError, OutageError."""
        hinted = self._hinted(asked)
        session = await self._sessions.find(cookie)
        logged_in = None if session is None else _logged_in(session, waiting)
        must_log_in = login_step(asked, logged_in, hinted, self._clock())
        if session is None or must_log_in is not None:
            return must_log_in or LogIn()
        standing = await self._standing(session.subject)
        if standing is None or standing.disabled:  # since the session was found, a moment ago
            return LogIn()
        whole = wanted(asked.scopes, asked.openid, self._vocabulary, standing.roles)
        remembered = await self._consents.of(session.user_id, client.id)
        refused = frozenset() if remembered is None else remembered.refused
        step = consent_step(asked, whole, allowed_by(remembered), refused, first_party=client.first_party)
        return Considered(session, standing, whole, remembered, step)

    def _hinted(self, asked: AuthorizationRequest) -> str:
        """Whom the client means; empty: it does not say. Raises AuthorizationError, OutageError."""
        if not asked.id_token_hint:
            return ""
        user_id = self._hinted_user(asked.id_token_hint, asked.client_id)
        if user_id is None:
            raise AuthorizationError(
                Refusal.INVALID_REQUEST, "id_token_hint is no ID token that this client got here"
            )
        return user_id

    async def is_somebody(self, cookie: str | None) -> bool:
        """Whether anybody is logged in with this session cookie. Raises OutageError."""
        return await self._sessions.find(cookie) is not None

    async def give(
        self,
        asked: AuthorizationRequest,
        client: RegisteredClient,
        considered: Considered,
        chosen: Wanted | None,
    ) -> str:
        """A code. `chosen`: what the person just allowed, to be remembered; None: they were not asked.

        Who is not asked, because the client is ours, gives it all that it asked for. Raises
        AuthorizationError, OutageError.
        """
        if chosen is None and client.first_party:
            granted, grant_id = _of_our_own(asked, considered), ""
        else:
            grant = (
                considered.remembered if chosen is None else await self._chosen(client, considered, chosen)
            )
            granted = NOTHING if grant is None else _covered(considered.whole, grant)
            grant_id = "" if grant is None else grant.id
        if not granted:
            raise AuthorizationError(Refusal.ACCESS_DENIED, "nothing was granted")
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

    async def _chosen(self, client: RegisteredClient, considered: Considered, chosen: Wanted) -> StoredGrant:
        about = considered.step.about if isinstance(considered.step, Ask) else chosen
        return await self._consents.chose(considered.session.user_id, client.id, about, chosen)


def _logged_in(session: Session, waiting: Waiting | None) -> LoggedIn:
    proved_here = waiting is not None and waiting.transaction.session_id == session.id
    return LoggedIn(session.user_id, session.who.at, proved_here)


def has_something(considered: Considered) -> bool:
    """Whether the client was allowed something before that it wants, and that is not asked about now."""
    if considered.remembered is None or not isinstance(considered.step, Ask):
        return False
    return bool(_covered(considered.whole, considered.remembered).less(considered.step.about))


def _of_our_own(asked: AuthorizationRequest, considered: Considered) -> Wanted:
    """All that a client of ours asked for, less what it was refused when it wanted people asked."""
    refused = frozenset() if considered.remembered is None else considered.remembered.refused
    left = considered.whole.besides(refused)
    return Wanted(asked.scopes, asked.openid) if left == considered.whole else left


def _covered(whole: Wanted, remembered: StoredGrant) -> Wanted:
    return whole.less(whole.without(remembered.scopes, remembered.openid))
