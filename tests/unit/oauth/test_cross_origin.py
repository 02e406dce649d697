"""src/sumun/oauth/cross_origin.py: whose pages may read what we say."""

from __future__ import annotations

import pytest

from sumun.config.plan import Client, ClientKind
from sumun.oauth.cross_origin import (
    Readers,
    client_origins,
    origin_of,
    preflight_headers,
    reading_headers,
)
from tests.conversations.oauth.oauth_server import configured

SHOP = "https://shop.example"
ALLOWED = frozenset({SHOP})


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://Shop.Example/back?a=b", "https://shop.example"),
        ("https://shop.example:443/back", "https://shop.example"),
        ("https://shop.example:444/back", "https://shop.example:444"),
        ("http://127.0.0.1/back", "http://127.0.0.1"),
        ("http://127.0.0.1:5173/back", "http://127.0.0.1:5173"),
        ("http://[::1]:5173/back", "http://[::1]:5173"),
        ("com.example.app:/back", None),
    ],
)
def test_the_origin_of_a_redirect_uri(uri: str, origin: str | None) -> None:
    """It is written as browsers write it, without the port that a scheme has anyway; an app's own scheme has none."""
    assert origin_of(uri) == origin


def client(client_id: str, kind: ClientKind, *uris: str) -> Client:
    return configured(client_id, kind=kind, redirect_uris=uris)


def test_whose_origins() -> None:
    """Those of public clients: who keeps a secret does not live in a browser."""
    clients = (
        client("spa", ClientKind.PUBLIC, "https://a.example/x", "com.example.app:/x"),
        client("web", ClientKind.CONFIDENTIAL, "https://b.example/x"),
    )
    assert client_origins(clients) == {"https://a.example"}


@pytest.mark.parametrize(
    "origin",
    [
        None,
        b"null",
        b"https://shop.example.evil",
        b"https://shop.example:444",
        b"http://shop.example",
        b"\xff",
    ],
)
def test_another_origin(origin: bytes | None) -> None:
    """A page of any other origin is given no leave, and caches are told that it depends."""
    for headers in (
        reading_headers(Readers.CLIENTS, origin, ALLOWED),
        preflight_headers(Readers.CLIENTS, origin, ALLOWED, ["POST"]),
    ):
        assert headers == ((b"vary", b"origin"),)


def test_nobody() -> None:
    """What is for nobody says nothing, whoever asks."""
    assert reading_headers(Readers.NOBODY, SHOP.encode(), ALLOWED) == ()
    assert preflight_headers(Readers.NOBODY, SHOP.encode(), ALLOWED, ["POST"]) == ()


def test_no_credentials() -> None:
    """No answer lends a page our cookies."""
    for readers in Readers:
        for headers in (
            reading_headers(readers, SHOP.encode(), ALLOWED),
            preflight_headers(readers, SHOP.encode(), ALLOWED, ["POST"]),
        ):
            assert b"access-control-allow-credentials" not in dict(headers)
            assert readers is Readers.EVERYBODY or dict(headers).get(b"access-control-allow-origin") != b"*"
