"""Authorization server metadata (RFC 8414): what works here, and no more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from sumun.login.client_secret import ClientAuthMethod
from sumun.oauth.exchange import Answer, Headers, Request, json_answer

WELL_KNOWN = "/.well-known/oauth-authorization-server"
_CACHED: Headers = ((b"cache-control", b"public, max-age=300"),)


def metadata(issuer: str, grants: Iterable[str]) -> dict[str, Any]:
    """The members of RFC 8414 section 2 for this issuer (an absolute URL of ours) and these grants."""
    parts = urlsplit(issuer)
    origin = f"{parts.scheme}://{parts.netloc}"
    every = [method.value for method in ClientAuthMethod]
    with_secret = [ClientAuthMethod.BASIC.value, ClientAuthMethod.POST.value]
    return {
        "issuer": issuer,
        "token_endpoint": f"{origin}/oauth/token",
        "token_endpoint_auth_methods_supported": every,
        "jwks_uri": f"{origin}/.well-known/jwks.json",
        # Required; there is no authorization endpoint, so it is empty. (3.2 would leave out an empty array; clients
        # that check look for this member.)
        "response_types_supported": [],
        "grant_types_supported": sorted(grants),
        "revocation_endpoint": f"{origin}/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": every,
        "introspection_endpoint": f"{origin}/oauth/introspect",
        "ws_ticket_endpoint": f"{origin}/oauth/ws-ticket",  # ours: section 2 allows more members
        "introspection_endpoint_auth_methods_supported": with_secret,
    }


def well_known_path(issuer: str) -> str:
    """Where the metadata of this issuer is found: the well-known part goes before the issuer's path (section 3.1)."""
    return WELL_KNOWN + urlsplit(issuer).path.rstrip("/")


class MetadataEndpoint:
    """Publishes the metadata."""

    def __init__(self, issuer: str, grants: Iterable[str]) -> None:
        """Made once: it changes with the configuration only."""
        self._answer = json_answer(200, metadata(issuer, grants), _CACHED)

    async def answer(self, request: Request) -> Answer:
        """The document."""
        return self._answer
