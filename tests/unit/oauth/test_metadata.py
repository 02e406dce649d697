"""Where the metadata is found and where it points."""

from __future__ import annotations

import pytest

from sumun.oauth.endpoints.metadata import (
    Published,
    documents,
    resource_metadata,
    server_metadata,
    well_known_path,
)
from sumun.tokens.signatures import NAMES

PUBLISHED = Published("https://gw.example.com", "api", ["password"], "RS256", ["product:read"])


@pytest.mark.parametrize(
    ("issuer", "path"),
    [
        ("https://gw.example.com", "/.well-known/oauth-authorization-server"),
        ("https://gw.example.com/", "/.well-known/oauth-authorization-server"),
        ("https://gw.example.com/a/b", "/.well-known/oauth-authorization-server/a/b"),
        ("http://127.0.0.1:8080", "/.well-known/oauth-authorization-server"),
    ],
)
def test_well_known_path(issuer: str, path: str) -> None:
    """RFC 8414 3.1: the well-known part stands between the host and the issuer's path."""
    assert well_known_path(issuer) == path


def test_endpoints_stand_at_the_root() -> None:
    """The endpoints are on the issuer's host, wherever its path leads."""
    told = server_metadata(Published("https://gw.example.com:8443/a", "api", ["password"], "ES256"))
    assert told["issuer"] == "https://gw.example.com:8443/a"
    assert told["token_endpoint"] == "https://gw.example.com:8443/oauth/token"
    assert told["grant_types_supported"] == ["password"]


def test_the_documents() -> None:
    """OpenID Connect reads the same document under its own name; the gateway says whose tokens it takes (RFC 9728)."""
    told = documents(PUBLISHED)
    server = told["/.well-known/oauth-authorization-server"]
    assert told["/.well-known/openid-configuration"] == server
    assert server["id_token_signing_alg_values_supported"] == ["RS256"]
    assert server["scopes_supported"] == ["email", "offline_access", "openid", "product:read", "profile"]
    assert resource_metadata(PUBLISHED, "https://shop.example.com") == {
        "resource": "https://shop.example.com",
        "authorization_servers": ["https://gw.example.com"],
        "jwks_uri": "https://gw.example.com/.well-known/jwks.json",
        "scopes_supported": ["product:read"],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": [*NAMES],
        "dpop_bound_access_tokens_required": False,
    }
