"""Requests that wait to be taken up once: pushed by their client (RFC 9126), or posted by a browser.

What is kept are the parameters as they came: they are read again when they are taken up, against the client as it is
then. Nothing by which the client proved itself is among them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec
from msgspec import Struct

from sumun.oauth.authorize.errors import Untrusted, UntrustedRequestError
from sumun.oauth.authorize.parameters import Parameters
from sumun.tokens.base64url import encode as base64url
from sumun.tokens.ephemeral import EphemeralStore, Kind
from sumun.tokens.format import digest

URN = "urn:ietf:params:oauth:request_uri:"
LIFETIME_SECONDS = 60  # RFC 9126 2.2: "a relatively short duration (e.g., between 5 and 600 seconds)"
_RANDOM_BYTES = 32

_KEPT = frozenset(
    {
        "acr_values",
        "code_challenge",
        "code_challenge_method",
        "dpop_jkt",
        "id_token_hint",
        "login_hint",
        "max_age",
        "nonce",
        "prompt",
        "redirect_uri",
        "request",
        "registration",
        "response_mode",
        "response_type",
        "scope",
        "state",
        "ui_locales",
    }
)


class PushedRequest(Struct, frozen=True):
    """`by_client`: the client itself pushed it, having proved who it is."""

    client_id: str
    values: dict[str, str]
    resources: tuple[str, ...]
    repeated: frozenset[str]
    by_client: bool

    def parameters(self) -> Parameters:
        """As they came."""
        return Parameters({**self.values, "client_id": self.client_id}, self.repeated, self.resources)


class PushedRequests:
    """Pushed requests in the store. Every method raises StoreUnavailableError."""

    def __init__(self, store: EphemeralStore, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._store = store
        self._random = random

    async def push(self, client_id: str, parameters: Parameters, *, by_client: bool) -> str:
        """Keep it; its `request_uri`."""
        values = {name: value for name, value in parameters.values.items() if name in _KEPT}
        request = PushedRequest(client_id, values, parameters.resources, parameters.repeated, by_client)
        name = base64url(self._random(_RANDOM_BYTES))
        await self._store.put(Kind.PUSHED, digest(name), _encode(request), LIFETIME_SECONDS * 1000)
        return URN + name

    async def take(self, request_uri: str, client_id: str) -> PushedRequest:
        """The request, once. Raises UntrustedRequestError: over, used, another client's."""
        stored = await self._store.take(Kind.PUSHED, digest(request_uri.removeprefix(URN)))
        request = None if stored is None else _decode(stored)
        if request is None or request.client_id != client_id:
            raise UntrustedRequestError(
                Untrusted.PUSHED, "request_uri is over, was used, or is another client's"
            )
        return request


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(PushedRequest).decode
