"""The token exchange grant (RFC 8693), narrow: another token for the subject of one that is good now.

    opaque <-> JWT (`requested_token_type`), fewer scopes (`scope`), fewer services (`resource`, `audience`)

What comes of it is never more than what went in: not more scopes, services or time; of the same session, grant and
login, for the same key or certificate, which has to be proven. It ends with the token that it came of. It says who acts
(`act`, section 4.1): the client that asked, or whoever the actor token is of, which was issued to that client. So
nobody passes for another without a trace (impersonation, section 1.1, there is not), and what came of an exchange is
not exchanged again: a chain of actors would not be kept.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from sumun.access import Bound, Proven
from sumun.config.plan import TOKEN_EXCHANGE, ClientKind
from sumun.directory.client import RegisteredClient
from sumun.identity import Credential, CredentialKind, Permission, Subject, narrowed
from sumun.oauth.caller import Recognises
from sumun.oauth.clients import ReadStanding
from sumun.oauth.errors import InvalidRequestError, UnauthorizedClientError
from sumun.oauth.grants.grant import Call, Granted
from sumun.oauth.messages import Form
from sumun.oauth.presented import LooksAtTokens, Presented
from sumun.oauth.resources import Resources
from sumun.oauth.scopes import granted_scopes
from sumun.oauth.token_types import ACCESS_TOKEN_TYPE, JWT_TYPE
from sumun.tokens.binding import held, is_to_key

log = logging.getLogger(__name__)

IsDenied = Callable[[str], Awaitable[bool]]
"""Whether the directory denies the JWT of this id, by a look that begins after the call. Raises OutageError."""


@dataclass(frozen=True, slots=True)
class _Good:
    """A token that is good now, and what it proves."""

    presented: Presented
    proven: Proven


class TokenExchangeGrant:
    """Keeps the contract of `grant.Grant`. RFC 8693 2.2.2: a token that is not taken is `invalid_request`."""

    name = TOKEN_EXCHANGE

    def __init__(
        self,
        tokens: LooksAtTokens,
        recogniser: Recognises,
        standing: ReadStanding,
        is_denied: IsDenied,
        resources: Resources,
        clock: Callable[[], float],
    ) -> None:
        """`standing` asks the directory itself; `clock` gives unix seconds."""
        self._tokens = tokens
        self._recogniser = recogniser
        self._standing = standing
        self._is_denied = is_denied
        self._resources = resources
        self._clock = clock

    async def granted(self, form: Form, client: RegisteredClient, call: Call) -> Granted:
        """See the contract."""
        if client.kind is ClientKind.PUBLIC:
            raise UnauthorizedClientError("a client that proves nothing cannot exchange tokens")
        subject = await self._good(form, "subject_token", call)
        if subject.proven.own_rights:
            raise InvalidRequestError("a token with rights of its own cannot be exchanged")
        actor, until = await self._actor(form, client, call, subject)
        standing = await self._standing(subject.proven.principal.subject)
        if standing is None or standing.disabled or not subject.presented.is_of(standing):
            raise InvalidRequestError(_not_good("subject_token"))
        log.info("token exchanged: token=%s client=%s actor=%s", subject.presented.token_id, client.id, actor)
        return Granted(
            standing,
            self._scopes(form, client, subject),
            session_id=subject.presented.session_id,
            grant_id=subject.presented.grant_id,
            family_id=subject.presented.family_id,
            audience=self._audience(form, subject),
            bound_to=subject.proven.bound_to,
            actor=str(actor),
            until=until,
            came_of=subject.presented.token_id,
            still=partial(self._is_there, subject.presented),
        )

    async def _actor(
        self, form: Form, client: RegisteredClient, call: Call, subject: _Good
    ) -> tuple[Subject, int]:
        """Who acts, and until when (unix seconds) at most."""
        until = subject.presented.expires_at
        if "actor_token" not in form:
            if (
                "actor_token_type" in form
            ):  # 2.1: "it MUST NOT be included when the actor_token parameter is not"
                raise InvalidRequestError("actor_token_type without actor_token")
            return Subject.client(client.id), until
        actor = await self._good(form, "actor_token", call)
        if actor.presented.client_id != client.id:
            raise InvalidRequestError("the actor_token was issued to another client")
        return actor.proven.principal.subject, min(until, actor.presented.expires_at)

    async def _good(self, form: Form, name: str, call: Call) -> _Good:
        text, its_type = form.get(name), form.get(f"{name}_type")
        if text is None or its_type is None:
            raise InvalidRequestError(f"token exchange needs {name} and {name}_type")
        if its_type not in (ACCESS_TOKEN_TYPE, JWT_TYPE):
            raise InvalidRequestError(f"{name}_type is {ACCESS_TOKEN_TYPE} or {JWT_TYPE}")
        presented = await self._tokens.look(text)
        if presented is None:
            raise InvalidRequestError(_not_good(name))
        if presented.actor:
            raise InvalidRequestError(f"the {name} came of an exchange itself")
        evidence = await self._recogniser.recognise(Credential(CredentialKind.BEARER, text), self._clock())
        if isinstance(evidence, Bound):
            # Whoever was only sent the token, as the service is that it was used at, has neither key nor certificate.
            bound_to, evidence = evidence.proven.bound_to, held(evidence, call.proved)
            if not isinstance(evidence, Proven):
                raise InvalidRequestError(_not_held(name, bound_to))
        if not isinstance(evidence, Proven):
            raise InvalidRequestError(_not_good(name))
        return _Good(presented, evidence)

    def _scopes(self, form: Form, client: RegisteredClient, subject: _Good) -> frozenset[Permission]:
        """Raises InvalidScopeError: more than the token has, or than this client may have; or nothing is left."""
        return granted_scopes(form.get("scope"), narrowed(subject.proven.principal.scopes, client.scopes))

    def _audience(self, form: Form, subject: _Good) -> frozenset[str]:
        """`audience` (2.1) names services as `resource` does; the token endpoint looks at that one."""
        asked = self._resources.known(form["audience"].split(" ")) if "audience" in form else frozenset()
        return self._resources.audience(asked, subject.proven.principal.audience)

    async def _is_there(self, presented: Presented) -> bool:
        """Whether it was revoked since: whoever revokes it looks for what came of it after that."""
        if presented.digest is None:
            return not await self._is_denied(presented.token_id)
        return await self._tokens.is_there(presented.digest)


def _not_held(name: str, bound_to: str) -> str:
    """RFC 8693 2.2.2 has one code for whatever is not acceptable, so the sentence says what would be."""
    if is_to_key(bound_to):
        return (
            f"the {name} is bound to a key: a DPoP proof of that key is needed beside the request (RFC 9449)"
        )
    return f"the {name} is bound to a certificate: the request has to come with that one (RFC 8705 3)"


def _not_good(name: str) -> str:
    return f"the {name} is not good"
