"""Anything that a stranger can send to the OAuth server.

Invariant: every request has one answer, a refusal in OAuth's words with a 4xx status; never a token, never 5xx, never an
exception, and nothing of what was sent is in it.
"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import time
from typing import Any
from urllib.parse import urlencode

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sumun.access import Evidence, Invalid, InvalidBecause
from sumun.changes.applied import NOTHING_CHANGED, Applied
from sumun.config.plan import RefreshSettings, TokenSettings
from sumun.identity import Credential
from sumun.login.throttle import Budgets
from sumun.login.throttle_memory import MemoryLoginThrottle
from sumun.oauth.app import OAuthApp
from sumun.oauth.authorize.errors import Refusal
from sumun.oauth.clients import as_registered
from sumun.oauth.configured import Configured
from sumun.oauth.grants.refreshing import RefreshTokens
from sumun.oauth.server import OAuthParts, oauth_app
from sumun.oauth.strangers import Strangers
from sumun.recognition import Recogniser
from sumun.recognition.possession import Possession
from sumun.sessions import Sessions
from sumun.sessions.store_memory import MemorySessions
from sumun.tokens.own_uri import OwnUris
from sumun.tokens.signing_keys import NO_KEYS
from sumun.tokens.stores.memory import MemoryStore
from sumun.tokens.stores.memory_ephemeral import MemoryEphemeral
from sumun.tokens.stores.memory_feed import MemoryFeed
from tests.conversations.oauth.oauth_server import CLIENTS, SECRETS, Down, asgi_call
from tests.unit.login.key_sets import nothing_fetched

KNOWN = {
    client.id: as_registered(client, SECRETS.get(client.id), {"jwt": 1, "opaque": 1})
    for client in CLIENTS.values()
}  # type: ignore[dict-item]
CODES = {
    *Refusal,
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "slow_down",
    "invalid_token",
}
PATHS = st.sampled_from(
    ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/par", "/oauth/ws-ticket"]
)
MARK = "sENt-by-a-stRANger"
NAMES = st.sampled_from(
    [
        "grant_type",
        "response_type",
        "redirect_uri",
        "client_id",
        "client_secret",
        "username",
        "password",
        "scope",
        "token",
        "token_type_hint",
        "x",
    ]
)
WORDS = st.one_of(
    st.sampled_from(
        [*CLIENTS, "password", "client_credentials", "alice", "product:read", "*:*", MARK, "", "%", "a b"]
    ),
    st.text(max_size=20),
)
FORMS = st.lists(st.tuples(NAMES, WORDS), max_size=6).map(
    lambda pairs: urlencode(pairs, errors="replace").encode()
)
BODIES = st.one_of(FORMS, st.binary(max_size=80), FORMS.map(lambda body: body.replace(b"%", b"")))
TYPES = st.sampled_from(
    [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=utf-8",
        "text/plain",
        MARK,
        "",
    ]
)
PAIRS = st.tuples(WORDS, WORDS).map(
    lambda pair: base64.b64encode(":".join(pair).encode("utf-8", "replace")).decode()
)
AUTHORIZATIONS = st.one_of(
    st.none(), PAIRS.map("Basic {}".format), st.text(alphabet="Basic =:/é\x00", max_size=12)
)


async def nothing(_asked: Any) -> None:
    """Nobody knows."""


class NothingToChange:
    """Everything is as it should be, and everybody knows."""

    def for_all(self) -> NothingToChange:
        """Nobody else is waited for either."""
        return self

    async def settled(self) -> Applied:
        """At once."""
        return NOTHING_CHANGED


class Nobody(Recogniser):
    """Knows no token."""

    def __init__(self) -> None:
        """Without any part."""

    async def recognise(self, credential: Credential, now: float) -> Evidence:
        return Invalid(InvalidBecause.UNKNOWN)


def server() -> OAuthApp:
    """A server with clients and nobody to log in."""
    feed = MemoryFeed(time.monotonic)
    store = MemoryStore(feed, time.time)
    throttle = MemoryLoginThrottle(Budgets(1000, 10_000, 100_000, 300), time.monotonic)

    async def find(client_id: str) -> Any:
        return KNOWN.get(client_id)

    never: Any = Down()  # nobody is logged in, so no other part is ever asked
    parts: dict[str, Any] = dict.fromkeys((one.name for one in dataclasses.fields(OAuthParts)), never)
    parts |= {
        "settings": TokenSettings("https://gw.example.com", "x", 900, 600, "ES256", 60),
        "find_client": find,
        "standing": nothing,
        "remembered": nothing,
        "login_for": lambda _names: None,
        "client_throttle": throttle,
        "store": store,
        "changes": NothingToChange(),
        "recogniser": Nobody(),
        "possession": Possession(
            MemoryEphemeral(time.time), never, lambda: OwnUris(["https://gw.example.com"]), lambda: False
        ),
        "refresh": RefreshTokens(never, never, never, time.time, RefreshSettings()),
        "keys": lambda: NO_KEYS,
        "bundles": dict,
        "ephemeral": MemoryEphemeral(time.time),
        "sessions": Sessions(
            MemorySessions(feed, time.time),
            nothing,
            never,
            idle_seconds=60,
            absolute_seconds=600,
            clock=time.time,
        ),
        "clock": time.time,
        "user_code_throttle": throttle,
        "fetched_keys": nothing_fetched(),
        "strangers": Strangers(MemoryLoginThrottle(Budgets(10**6, 10**6, 10**6, 300), time.monotonic)),
        "configured": Configured(),
    }
    return oauth_app(OAuthParts(**parts))


APP = server()


@settings(max_examples=4 * settings().max_examples)
@example("/oauth/revoke", b"client_id=web&token=x", "application/x-www-form-urlencoded", None, "")
@given(PATHS, BODIES, TYPES, AUTHORIZATIONS, st.sampled_from(["", "a=b"]))
def test_strangers(path: str, body: bytes, content_type: str, authorization: str | None, query: str) -> None:
    """Whatever comes is refused in OAuth's words; a token that nobody issued may be given back by a public client."""
    headers = [("content-type", content_type), ("x-sumun-source", "192.0.2.1"), ("x-request-id", "r-1")]
    if authorization is not None:
        headers.append(("authorization", authorization))
    answer = asyncio.run(asgi_call(APP, "POST", path, query, headers, (body,)))
    if answer.status == 200:
        assert (path, answer.body) == ("/oauth/revoke", b"{}")
        return
    assert answer.status in (400, 401, 403, 415, 429), answer
    told = json.loads(answer.body)
    assert told["error"] in CODES
    assert MARK not in answer.body.decode()
    assert ("www-authenticate" in answer.headers) == (answer.status == 401)
