"""How a service behind the gateway reads who is calling, and verifies it with a standard library (joserfc).

A service on a trusted network may believe the X-User-* headers: the gateway removes whatever a client sent of them. A
service that wants proof verifies `X-Identity-Token`: signed by the gateway, made for this service (`aud`), short-lived.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

_HEADERS = (
    "x-user-id",
    "x-user-name",
    "x-user-roles",
    "x-user-permissions",
    "x-client-id",
    "x-token-id",
    "x-request-id",
)
_KEYS_FOR_SECONDS = 300.0


def told(headers: Mapping[str, str]) -> dict[str, Any]:
    """What the gateway's headers say, decoded. A header that is not there is not listed."""
    you: dict[str, Any] = {}
    for header in _HEADERS:
        if header not in headers:
            continue
        name = header.removeprefix("x-").replace("-", "_")
        value = headers[header]
        if name in ("user_roles", "user_permissions"):
            you[name] = value.split(",") if value else []
        else:
            you[name] = unquote(value)
    return you


class Verifier:
    """Verifies identity tokens for one service; fetches the gateway's keys when it meets one that it does not know."""

    def __init__(self, issuer: str, audience: str) -> None:
        """`issuer` is the gateway's address as its tokens name it; `audience` is this service's id there."""
        self._issuer = issuer
        self._audience = audience
        self._keys = KeySet([])
        self._fetched = -_KEYS_FOR_SECONDS

    def verify(self, token: str) -> dict[str, Any]:
        """The claims. Raises joserfc's JoseError, or OSError when the keys cannot be fetched."""
        try:
            return self._decode(token)
        except (JoseError, ValueError):
            if time.monotonic() - self._fetched < 1.0:
                raise
        self._fetch()
        return self._decode(token)

    def _decode(self, token: str) -> dict[str, Any]:
        decoded = jwt.decode(token, self._keys, algorithms=["ES256"])
        if decoded.header.get("typ") != "identity+jwt":
            raise ValueError("not an identity token")
        jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._audience},
            exp={"essential": True},
        ).validate(decoded.claims)
        return dict(decoded.claims)

    def _fetch(self) -> None:
        address = f"{self._issuer}/.well-known/jwks.json"
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 (the demo's own gateway)
            self._keys = KeySet.import_key_set(json.load(answer))
        self._fetched = time.monotonic()
