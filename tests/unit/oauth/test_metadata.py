"""Where the metadata is found and where it points."""

from __future__ import annotations

import pytest

from sumun.oauth.endpoints.metadata import metadata, well_known_path


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
    told = metadata("https://gw.example.com:8443/a", ["password"])
    assert told["issuer"] == "https://gw.example.com:8443/a"
    assert told["token_endpoint"] == "https://gw.example.com:8443/oauth/token"
    assert told["grant_types_supported"] == ["password"]
