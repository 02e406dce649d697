"""The introspection endpoint (RFC 7662): a resource server asks what a token is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sumun.access import Proven
from sumun.config.plan import ClientKind
from sumun.directory.client import RegisteredClient
from sumun.identity import Credential, CredentialKind, Permission, Subject, SubjectKind
from sumun.identity.scope import scope_text
from sumun.login.client_secret import ClientLogin
from sumun.oauth.authentication import authenticated_client
from sumun.oauth.caller import Recognises
from sumun.oauth.errors import InvalidRequestError, NotAResourceServerError
from sumun.oauth.exchange import Answer, Request, json_answer
from sumun.oauth.messages import read_form
from sumun.oauth.presented import LooksAtTokens, Presented
from sumun.tokens.binding import confirmation, for_its_holder, token_type

_INACTIVE: Mapping[str, Any] = {"active": False}


class IntrospectEndpoint:
    """Tells resource servers, and nobody else, what a token is."""

    def __init__(
        self,
        login: ClientLogin[RegisteredClient],
        tokens: LooksAtTokens,
        recogniser: Recognises,
        bundles: Callable[[], Mapping[str, frozenset[Permission]]],
        clock: Callable[[], float],
        *,
        issuer: str,
        audience: str,
    ) -> None:
        """`bundles` gives today's roles and what they bundle; `clock` unix seconds."""
        self._login = login
        self._tokens = tokens
        self._recogniser = recogniser
        self._bundles = bundles
        self._clock = clock
        self._issuer = issuer
        self._audience = audience

    async def answer(self, request: Request) -> Answer:
        """RFC 7662 section 2. Whatever is not a good access token of ours is `{"active": false}`, without a reason."""
        form = read_form(request.content_types, request.body)
        client = await authenticated_client(request, form, self._login)
        if client.kind is not ClientKind.RESOURCE_SERVER or not client.proves_itself:
            raise NotAResourceServerError("only resource servers may introspect")
        token = form.get("token")
        if token is None:
            raise InvalidRequestError("token is missing")
        presented = await self._tokens.look(token)
        if presented is None:
            return json_answer(200, _INACTIVE)
        found = await self._recogniser.recognise(Credential(CredentialKind.BEARER, token), self._clock())
        evidence = for_its_holder(found)
        if not isinstance(evidence, Proven) or not _is_for(client, evidence):
            return json_answer(200, _INACTIVE)
        return json_answer(200, self._members(presented, evidence))

    def _members(self, presented: Presented, proven: Proven) -> dict[str, Any]:
        """Section 2.2; `sub_kind`, `roles` and `permissions` are ours: what services are told in headers."""
        principal = proven.principal
        members: dict[str, Any] = {
            "active": True,
            "token_type": token_type(proven.bound_to),
            "scope": scope_text(principal.scopes, presented.openid),
            "client_id": presented.client_id,
            "sub": principal.subject.id,
            "sub_kind": principal.subject.kind.value,
            "iss": self._issuer,
            "aud": sorted(principal.audience) or self._audience,
            "jti": presented.token_id,
            "iat": presented.issued_at,
            "exp": presented.expires_at,
            "roles": sorted(principal.active_roles()),
            "permissions": sorted(map(str, principal.effective_permissions(self._bundles()))),
        }
        if proven.bound_to:
            members["cnf"] = confirmation(proven.bound_to)
        if presented.actor:
            actor = Subject.parse(presented.actor)
            members["act"] = {"sub": actor.id, "sub_kind": actor.kind.value}  # RFC 8693 4.1
        if principal.subject.kind is SubjectKind.USER:
            members["username"] = principal.subject.id
        return members


def _is_for(client: RegisteredClient, proven: Proven) -> bool:
    """Section 4: "If the token can be used only at certain resource servers, the authorization server MUST determine
    whether or not the token can be used at the resource server making the introspection call".
    """
    audience = proven.principal.audience
    return not audience or not audience.isdisjoint(client.audience)
