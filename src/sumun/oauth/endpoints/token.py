"""The token endpoint (RFC 6749 section 3.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Protocol

from sumun.access import TokenKind
from sumun.config.plan import TOKEN_EXCHANGE
from sumun.directory.client import RegisteredClient
from sumun.identity.scope import scope_text
from sumun.login.client_secret import ClientLogin
from sumun.oauth.authentication import authenticated_client
from sumun.oauth.certificates import certificate_binding, proved_certificate
from sumun.oauth.clients import ClientsWithEpoch
from sumun.oauth.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidProofError,
    InvalidRequestError,
    OAuthError,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
)
from sumun.oauth.exchange import NO_STORE, Answer, Request, json_answer
from sumun.oauth.grants.grant import Call, Grant, Granted
from sumun.oauth.issue import Issued
from sumun.oauth.messages import Form, read_form
from sumun.oauth.proofs import KeyProofs
from sumun.oauth.resources import Resources
from sumun.oauth.token_types import ACCESS_TOKEN_TYPE, JWT_TYPE
from sumun.telemetry.metrics import TOKEN_REQUESTS_REFUSED, TOKENS_ISSUED
from sumun.tokens.binding import is_to_certificate, is_to_key, token_type


class Issues(Protocol):
    """What this needs of `issue.Issuer`."""

    async def issue(
        self, granted: Granted, client: RegisteredClient, client_epoch: int, audience: frozenset[str]
    ) -> Issued:
        """Make the token, for these services. Raises OAuthError, NoSigningKeyError, OutageError."""
        ...


class TokenEndpoint:
    """Exchanges a grant for an access token."""

    def __init__(
        self,
        login: ClientLogin[RegisteredClient],
        clients: ClientsWithEpoch,
        grants: Iterable[Grant],
        issuer: Issues,
        proofs: KeyProofs,
        resources: Resources,
    ) -> None:
        """The grants that exist, by their names."""
        self._login = login
        self._clients = clients
        self._grants = {grant.name: grant for grant in grants}
        self._issuer = issuer
        self._proofs = proofs
        self._resources = resources

    async def answer(self, request: Request) -> Answer:
        """RFC 6749 sections 5.1 and 5.2."""
        try:
            form = read_form(request.content_types, request.body)
            proof = self._proofs.opened(request)
            client = _as_asked(form, await authenticated_client(request, form, self._login))
            client, client_epoch = await self._with_epoch(client)
            grant = self._grant(form, client)
            asked = self._resources.asked(form)
            proved = await self._proofs.use_up(proof)
            granted = await grant.granted(form, client, _call(request, proved))
            bound_to = _binding(request, client, granted.bound_to, proved)
            audience = self._resources.audience(asked, granted.audience)
            granted = replace(granted, bound_to=bound_to)
            issued = await self._issuer.issue(granted, client, client_epoch, audience)
        except OAuthError as error:
            TOKEN_REQUESTS_REFUSED.labels(error=error.code).inc()
            raise
        TOKENS_ISSUED.labels(kind=client.token_kind, grant=grant.name).inc()
        members = _members(issued, bound_to)
        if grant.name == TOKEN_EXCHANGE:
            members["issued_token_type"] = (
                JWT_TYPE if client.token_kind is TokenKind.JWT else ACCESS_TOKEN_TYPE
            )
        return json_answer(200, members, (*NO_STORE, *self._proofs.next_nonce(proof)))

    async def _with_epoch(self, client: RegisteredClient) -> tuple[RegisteredClient, int]:
        if client.token_kind is TokenKind.OPAQUE:
            return client, 0  # not in the record: what an opaque token may do is looked up when it is used
        found = await self._clients.look(client.id)
        if found is None:  # since it authenticated, a moment ago
            raise InvalidClientError("client authentication failed")
        found_client, epoch = found
        return replace(
            found_client, token_kind=client.token_kind, token_lifetime_seconds=client.token_lifetime_seconds
        ), epoch

    def _grant(self, form: Form, client: RegisteredClient) -> Grant:
        name = form.get("grant_type")
        if name is None:
            raise InvalidRequestError("grant_type is missing")
        grant = self._grants.get(name)
        if grant is None:
            raise UnsupportedGrantTypeError(f"grants that exist here: {', '.join(sorted(self._grants))}")
        if name not in client.grants:
            raise UnauthorizedClientError("this client may not use this grant")
        return grant


def _call(request: Request, proved: str) -> Call:
    """`proved`: the key of the proof beside the request, or empty."""
    everything = frozenset(filter(None, (proved, *proved_certificate(request))))
    return Call(request.source, request.request_id, proved, everything)


def _binding(request: Request, client: RegisteredClient, before: str, proved: str) -> str:
    """What the new token is bound to: the key that was proven, or a certificate, or nothing.

    `before`: what was granted is for this one already. Raises InvalidRequestError, InvalidGrantError.
    """
    if client.dpop and not proved:
        raise InvalidProofError("tokens of this client are bound to a key: a DPoP proof is needed")  # 5.2
    if is_to_key(before) and before != proved:
        raise InvalidGrantError("this was granted for another DPoP key")
    if proved and not is_to_certificate(before):
        return proved
    return certificate_binding(request, client, before)


def _members(issued: Issued, bound_to: str) -> dict[str, Any]:
    members: dict[str, Any] = {
        "access_token": issued.access_token,
        "token_type": token_type(bound_to),
        "expires_in": issued.expires_in_seconds,
        # Always told: 5.1 demands it only when it differs from what was asked.
        "scope": scope_text(issued.scopes, issued.openid),
    }
    if issued.refresh_token:
        members["refresh_token"] = issued.refresh_token
    if issued.id_token:
        members["id_token"] = issued.id_token  # OpenID Connect Core 3.1.3.3
    return members


def _as_asked(form: Form, client: RegisteredClient) -> RegisteredClient:
    """The client as if the kind of token that it asks for were its own.

    `requested_token_type` is a parameter of RFC 8693 2.1, with the words of its section 3; we take it with every grant.
    """
    asked = form.get("requested_token_type")
    if asked in (None, ACCESS_TOKEN_TYPE):
        return client
    if asked != JWT_TYPE:
        raise InvalidRequestError(f"requested_token_type is {ACCESS_TOKEN_TYPE} or {JWT_TYPE}")
    if client.token_kind is TokenKind.JWT:
        return client
    seconds = client.other_lifetimes_seconds.get(TokenKind.JWT)
    if seconds is None:
        raise InvalidRequestError("this client may not ask for tokens of this type")
    return replace(client, token_kind=TokenKind.JWT, token_lifetime_seconds=seconds)
