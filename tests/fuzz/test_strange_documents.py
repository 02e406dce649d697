"""Whatever stands in what others sign, publish or register: assertions, proofs, key sets, metadata, queries, cookies.

Invariant: every request has one answer below 500, and nothing is written into the log as our fault. The server is whole
(`tests/conversations/oauth`), and the signatures are right, so that what lies behind them is reached.
"""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sumun.login.client_assertion import TYPE
from sumun.login.fetched_keys import FetchedKeys
from sumun.login.throttle import Budgets
from sumun.login.throttle_memory import MemoryLoginThrottle
from sumun.oauth.endpoints.register import RegistrationParts
from sumun.oauth.server import oauth_app
from sumun.oauth.strangers import Strangers
from sumun.sessions import Authentication
from sumun.sessions.cookie import SESSION
from sumun.tokens.base64url import encode
from sumun.tokens.signing_keys import SigningKey
from tests.conversations.oauth.oauth_server import ISSUER, SECRETS, Answer, OAuthServer, oauth_server
from tests.conversations.oauth.test_register import ALLOWED, WEB, own_path, registered
from tests.fuzz.strange_json import VALUES, altered, as_bytes
from tests.unit.login.key_sets import Web

PUBLISHED = "https://partner.example/jwks.json"
KEY = SigningKey.generate("ES256")
RSA = SigningKey.generate("RS256")
PUBLIC: Mapping[str, Any] = dict(KEY.public_jwk)
HOST = {"host": "gw.example.com"}
MOST_HEADER_BYTES = 15 * 1024
"""A header that is larger does not fit HAProxy's buffer, and becomes a 502."""
MANY = settings(max_examples=2 * settings().max_examples)
ENOUGH = Budgets(10**6, 10**6, 10**6, 300)


@dataclass
class World:
    """A server that lives as long as the tests of this file, the loop that it lives on, and what it wrote of faults."""

    run: Callable[[Any], Any]
    server: OAuthServer
    web: Web
    client: Mapping[str, Any]
    token: str
    cookie: str
    faults: list[str]

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """One request, with an answer as it has to be."""
        answer = self.run(self.server.call(method, path, {**HOST, **headers}, body))
        assert isinstance(answer, Answer)
        assert 200 <= answer.status < 500, answer
        assert sum(len(name) + len(value) + 4 for name, value in answer.pairs) < MOST_HEADER_BYTES
        assert not self.faults
        return answer

    def form(self, path: str, form: Mapping[str, str], **headers: str) -> Answer:
        """A form."""
        sent = {"content-type": "application/x-www-form-urlencoded", **headers}
        return self.ask("POST", path, sent, urlencode(form).encode())


async def a_session(server: OAuthServer) -> str:
    """The cookie of somebody who is logged in."""
    value, _ = await server.parts.sessions.begin(Authentication("alice", int(server.clock()), 0, ("pwd",)))
    return f"{SESSION}={value}"


class Faults(logging.Handler):
    """Keeps what is written as a fault of ours."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._faults = faults

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self._faults.append(record.getMessage())


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """The server, with a client that publishes its keys and one that registered itself."""
    faults: list[str] = []
    handler = Faults(faults)
    web = Web()
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        entered = oauth_server(Path(folder))
        server = runner.run(entered.__aenter__())
        server.known["keyed"] = replace(
            server.known["robot"], id="keyed", jwks=json.dumps({"keys": [PUBLIC]})
        )
        server.known["publisher"] = replace(
            server.known["robot"], id="publisher", jwks="", jwks_uri=PUBLISHED
        )
        parts = replace(
            server.parts,
            client_throttle=MemoryLoginThrottle(ENOUGH, server.throttle_clock),
            strangers=Strangers(MemoryLoginThrottle(ENOUGH, server.throttle_clock)),
            registration=RegistrationParts(ALLOWED, None, MemoryLoginThrottle(ENOUGH, server.throttle_clock)),
            fetched_keys=FetchedKeys(web.fetch, server.throttle_clock),
        )
        server.app = oauth_app(parts)
        web.pages[PUBLISHED] = json.dumps({"keys": [PUBLIC]}).encode()
        runner.run(parts.fetched_keys.of(PUBLISHED, KEY.kid, private=False))  # so that they are known
        told = runner.run(registered(server))
        token = runner.run(server.password("alice", "alice-pass")).json["access_token"]
        logging.getLogger("sumun").addHandler(handler)
        try:
            yield World(runner.run, server, web, told, token, runner.run(a_session(server)), faults)
        finally:
            logging.getLogger("sumun").removeHandler(handler)
            runner.run(entered.__aexit__(None, None, None))


def signed(header: str, claims: str, key: SigningKey = KEY) -> str:
    """A compact JWS over exactly these texts."""
    signing_input = f"{encode(as_bytes(header))}.{encode(as_bytes(claims))}"
    return f"{signing_input}.{encode(key.sign(signing_input.encode()))}"


HEADER = {"alg": "ES256", "kid": KEY.kid, "typ": "JWT"}
CLAIMS = {"iss": "keyed", "sub": "keyed", "aud": ISSUER, "jti": "j", "exp": 10**10}
STATEMENTS = st.one_of(
    st.tuples(altered(HEADER, "jwk", "jku", "x5u", "crit", "b64"), st.just(json.dumps(CLAIMS))),
    st.tuples(st.just(json.dumps(HEADER)), altered(CLAIMS, "iat", "nbf", "act")),
)
"""Header and claims, one of them strange."""
ENDPOINTS = st.sampled_from(
    ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/par", "/oauth/device_authorization"]
)


@MANY
@example("/oauth/token", ('{"alg":"ES256","kid":[]}', '{"iss":"keyed","sub":"keyed"}'), "publisher")
@given(ENDPOINTS, STATEMENTS, st.sampled_from(["keyed", "publisher"]))
def test_assertions(world: World, path: str, statement: tuple[str, str], client: str) -> None:
    """A client assertion, signed by the client's key whatever it says."""
    header, claims = statement
    text = signed(header, claims.replace('"keyed"', f'"{client}"'))
    form = {"grant_type": "client_credentials", "token": "x", "scope": "openid"}
    world.form(path, {**form, "client_assertion_type": TYPE, "client_assertion": text})


PROOFS = altered({"typ": "dpop+jwt", "alg": "ES256", "jwk": dict(PUBLIC)}, "kid", "jku", "crit", "x5c")
PROOF_CLAIMS = altered(
    {"jti": "j", "htm": "POST", "htu": f"{ISSUER}/oauth/token", "iat": 1, "nonce": "NONCE"}, "ath", "exp"
)
CALLS = st.sampled_from(
    [
        ("POST", "/oauth/token"),
        ("POST", "/oauth/par"),
        ("GET", "/oauth/userinfo"),
        ("POST", "/oauth/ws-ticket"),
    ]
)


@MANY
@given(CALLS, PROOFS, PROOF_CLAIMS)
def test_proofs(world: World, call: tuple[str, str], header: str, claims: str) -> None:
    """A DPoP proof, signed by the key that was in it before it was altered."""
    method, path = call
    nonce = world.server.parts.possession.nonce(world.server.clock())
    proof = signed(
        header, claims.replace("NONCE", nonce).replace("/oauth/token", path).replace("POST", method)
    )
    if path in ("/oauth/token", "/oauth/par"):
        pair = {"client_id": "batch", "client_secret": SECRETS["batch"]}
        world.form(path, {**pair, "grant_type": "client_credentials"}, dpop=proof)
    else:
        world.ask(method, path, {"authorization": f"DPoP {world.token}", "dpop": proof})


JWKS = st.one_of(
    altered(PUBLIC, "alg", "use", "key_ops", "d", "k", "x5c"),
    altered(RSA.public_jwk, "alg", "use", "key_ops", "d", "oth"),
    altered({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}, "kid"),
    altered({"kty": "oct", "k": "AAAA"}, "alg"),
    VALUES,
)


@MANY
@given(JWKS)
def test_keys_in_proofs(world: World, jwk: str) -> None:
    """A DPoP proof with a strange key in it."""
    proof = signed(f'{{"typ":"dpop+jwt","alg":"ES256","jwk":{jwk}}}', '{"jti":"j"}')
    pair = {"client_id": "batch", "client_secret": SECRETS["batch"]}
    world.form("/oauth/token", {**pair, "grant_type": "client_credentials"}, dpop=proof)


@MANY
@given(st.one_of(st.lists(JWKS, max_size=3).map(lambda keys: f'{{"keys":[{",".join(keys)}]}}'), VALUES))
def test_published_keys(world: World, document: str) -> None:
    """What a client publishes: whatever it is, the client is refused, or nobody knows its keys."""
    fetched = FetchedKeys(world.web.fetch, world.server.throttle_clock)
    world.web.pages[PUBLISHED] = as_bytes(document)
    parts = replace(
        world.server.parts, fetched_keys=fetched, client_throttle=MemoryLoginThrottle(ENOUGH, float)
    )
    text = signed(f'{{"alg":"ES256","kid":"{KEY.kid}"}}', '{"iss":"publisher","sub":"publisher"}')
    form = f"grant_type=client_credentials&client_assertion_type={TYPE}&client_assertion={text}"
    told = replace(world.server, app=oauth_app(parts)).call(
        "POST", "/oauth/token", {"content-type": "application/x-www-form-urlencoded"}, form.encode()
    )
    answer = world.run(told)
    assert answer.status in (401, 503), answer
    assert not world.faults


METADATA = altered(
    {**WEB, "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [dict(PUBLIC)]}},
    *("response_types", "post_logout_redirect_uris", "subject_type", "id_token_signed_response_alg"),
    *("require_pushed_authorization_requests", "dpop_bound_access_tokens", "client_id", "client_secret"),
    *("software_statement", "contacts", "client_name#ko", "jwks_uri", "registration_access_token"),
)


@MANY
@given(
    st.one_of(
        METADATA,
        JWKS.map(
            lambda jwk: (
                f'{{"token_endpoint_auth_method":"private_key_jwt",'
                f'"redirect_uris":["https://a.example/"],"jwks":{{"keys":[{jwk}]}}}}'
            )
        ),
    ),
    st.booleans(),
)
def test_metadata(world: World, document: str, change: bool) -> None:
    """What a client says of itself, when it registers and when it changes that; and what is told of it then."""
    sent = {"content-type": "application/json"}
    if change:
        sent["authorization"] = f"Bearer {world.client['registration_access_token']}"
        document = document.replace('{"', f'{{"client_id":"{world.client["client_id"]}","', 1)
        world.ask("PUT", own_path(world.client), sent, as_bytes(document))
        return
    answer = world.ask("POST", "/oauth/register", sent, as_bytes(document))
    if answer.status == 201:
        told = answer.json
        bearer = {"authorization": f"Bearer {told['registration_access_token']}"}
        assert world.ask("GET", own_path(told), bearer).status == 200
        world.ask(
            "GET", f"/oauth/authorize?client_id={told['client_id']}&redirect_uri=https://a.example/", {}
        )


PATHS = st.sampled_from(
    [
        *(
            "/login",
            "/login/start",
            "/login/continue",
            "/login/handoff",
            "/account",
            "/account/password",
            "/oauth/authorize",
        ),
        *(
            "/oauth/consent",
            "/oauth/device",
            "/oauth/logout",
            "/oauth/register/x",
            "/oauth/nothing",
            "/oauth/userinfo",
        ),
        *("/oauth/ws-ticket", "/.well-known/openid-configuration", "/.well-known/oauth-protected-resource/x"),
        *("/.well-known/jwks.json", "/oauth/token", "/oauth/introspect", "/oauth/device_authorization"),
    ]
)
NAMES = st.sampled_from(
    [
        *(
            "return",
            "request",
            "code",
            "transaction",
            "user_code",
            "lang",
            "client_id",
            "redirect_uri",
            "state",
            "scope",
        ),
        *(
            "id_token_hint",
            "post_logout_redirect_uri",
            "ui_locales",
            "logout_hint",
            "max_age",
            "prompt",
            "resource",
        ),
        *(
            "request_uri",
            "nonce",
            "login_hint",
            "decision",
            "csrf",
            "username",
            "password",
            "token",
            "about",
            "x",
        ),
        *(
            "subject_token",
            "subject_token_type",
            "grant_type",
            "refresh_token",
            "audience",
            "wait",
            "session",
            "grant",
        ),
    ]
)
JWTS = STATEMENTS.map(lambda two: signed(*two))
WORDS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        [
            "web",
            "keyed",
            "batch",
            "https://shop.example/back",
            "/",
            "//a",
            "/\\a",
            "\x00",
            "\u2028",
            "9" * 5000,
        ]
    ),
    st.sampled_from(
        ["urn:ietf:params:oauth:request_uri:x", "logout", "login", "all", "a" * 9000, "ko", "smn_at_x", "*:*"]
    ),
    st.sampled_from(
        ["urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:token-type:jwt"]
    ),
    JWTS,
)
PAIRS = st.lists(st.tuples(NAMES, WORDS), max_size=5).map(
    lambda pairs: "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
)
RAW = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=30)
FIELDS = st.dictionaries(
    st.sampled_from(
        [
            *(
                "cookie",
                "accept-language",
                "user-agent",
                "authorization",
                "host",
                "origin",
                "sec-fetch-site",
                "dpop",
            ),
            *("content-type", "x-request-id", "x-sumun-source", "accept"),
        ]
    ),
    st.one_of(
        st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30),
        st.sampled_from(
            [
                *(
                    "Bearer x",
                    "DPoP x",
                    "Basic AGE6Yg==",
                    "Basic 4pyTOuKckw==",
                    "null",
                    "https://gw.example.com",
                ),
                *(
                    "__Host-sumun_session=x; __Host-sumun_language=ko",
                    "en;q=1e400,ko;q=nan,*",
                    "en;q=0.1;q=9",
                ),
                *("application/json", "application/x-www-form-urlencoded", "::1", "1.2.3.4.5", "fe80::1%x"),
                *("__Host-sumun_device=\xb5", "__Host-sumun_csrf=" + "A" * 43, "__Host-sumun_login=x"),
            ]
        ),
    ),
    max_size=3,
)


@MANY
@example("POST", "/oauth/logout", "state=" + "%27" * 14_000, {}, False)
@given(st.sampled_from(["GET", "POST", "PUT", "DELETE"]), PATHS, st.one_of(PAIRS, RAW), FIELDS, st.booleans())
def test_requests(
    world: World, method: str, path: str, words: str, fields: dict[str, str], known: bool
) -> None:
    """Queries, forms and header fields, for every endpoint, of a browser that is logged in and of one that is not."""
    headers = dict(fields)
    if known:
        headers["cookie"] = f"{world.cookie}; {headers.get('cookie', '')}"
    if method == "GET":
        world.ask("GET", f"{path}?{words}", headers)
        return
    headers.setdefault("content-type", "application/x-www-form-urlencoded")
    world.ask(method, path, headers, words.encode())
