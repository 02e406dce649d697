"""An authorization request, parameter by parameter: what is taken, what is refused, and who hears of it."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import pytest

from sumun.directory.client import RegisteredClient
from sumun.identity import Permission
from sumun.oauth.authorize.errors import AuthorizationError, Untrusted, UntrustedRequestError
from sumun.oauth.authorize.parameters import read_parameters
from sumun.oauth.authorize.reply import ReplyTo, ResponseMode
from sumun.oauth.authorize.request import (
    AuthorizationRequest,
    Prompt,
    client_named,
    read_request,
    reply_to,
)
from sumun.oauth.clients import as_registered
from tests.conversations.oauth.oauth_server import CLIENTS

CLIENT = replace(as_registered(CLIENTS["web"], None), scopes=frozenset({Permission("product", "*")}))
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636 Appendix B
GOOD = {
    "response_type": "code",
    "client_id": "web",
    "redirect_uri": "https://shop.example/back",
    "scope": "openid product:read",
    "state": "s1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def read(encoded: str, client: RegisteredClient = CLIENT) -> AuthorizationRequest:
    """All three steps."""
    parameters = read_parameters(encoded.encode())
    client_named(parameters)
    return read_request(parameters, client, reply_to(parameters, client))


def query(**more: str) -> str:
    """The good request, changed; an empty text leaves a parameter out."""
    return urlencode({name: value for name, value in (GOOD | more).items() if value})


def test_a_whole_request() -> None:
    """Everything that may be said is kept as it was said; what nobody knows is not looked at (RFC 6749 3.1)."""
    asked = read(
        query(
            response_mode="fragment",
            nonce="n-1",
            prompt="login consent",
            max_age="0",
            acr_values="a b",
            login_hint="alice",
            id_token_hint="x.y.z",
            ui_locales="ko en",
            dpop_jkt=CHALLENGE,
            display="popup",
            surprise="!",
        )
        + "&resource=https%3A%2F%2Fa.example%2F&resource=urn%3Ab"
    )
    assert asked == AuthorizationRequest(
        client_id="web",
        to=ReplyTo("https://shop.example/back", ResponseMode.FRAGMENT, "s1"),
        scopes=frozenset({Permission("product", "read")}),
        openid=frozenset({"openid"}),
        challenge=CHALLENGE,
        nonce="n-1",
        resources=("https://a.example/", "urn:b"),
        dpop_jkt=CHALLENGE,
        prompt=frozenset({Prompt.LOGIN, Prompt.CONSENT}),
        max_age=0,
        acr_values="a b",
        login_hint="alice",
        id_token_hint="x.y.z",
        ui_locales="ko en",
    )


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "query.jwt"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": CHALLENGE + "="}, "invalid_request"),
        ({"scope": "order:read"}, "invalid_scope"),
        ({"scope": "*:*"}, "invalid_scope"),
        ({"scope": "no scope"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1e3"}, "invalid_request"),
        ({"max_age": "\u0661"}, "invalid_request"),
        ({"dpop_jkt": "x"}, "invalid_request"),
        ({"resource": "/relative"}, "invalid_target"),
        ({"resource": "https://a.example/#f"}, "invalid_target"),
        ({"nonce": "n" * 513}, "invalid_request"),
        ({"login_hint": "n" * 257}, "invalid_request"),
        ({"id_token_hint": "n" * 4097}, "invalid_request"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"request_uri": "https://shop.example/request"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
    ],
)
def test_the_client_is_told(change: dict[str, str], error: str) -> None:
    """What is wrong beside client and address goes back to the client."""
    with pytest.raises(AuthorizationError) as refused:
        read(query(**change))
    assert refused.value.refusal.value == error
    # RFC 6749 A.8: no quote, no backslash, ASCII.
    assert str(refused.value).isascii()
    assert not set('"\\') & set(str(refused.value))


@pytest.mark.parametrize("name", ["scope", "state", "code_challenge", "response_type", "nonce", "x"])
def test_repeated(name: str) -> None:
    """A parameter that stands twice is invalid_request, even one that nobody knows (RFC 6749 3.1)."""
    with pytest.raises(AuthorizationError) as refused:
        read(f"{query()}&{name}=a&{name}=b")
    assert refused.value.refusal.value == "invalid_request"


@pytest.mark.parametrize("state", ["s" * 2049, "\u00e9", "\u2028"])
def test_a_state_that_cannot_go_back(state: str) -> None:
    """It is refused, and the refusal does not carry it."""
    parameters = read_parameters(query(state=state).encode())
    assert reply_to(parameters, CLIENT).state == ""
    with pytest.raises(AuthorizationError):
        read(query(state=state))


@pytest.mark.parametrize(
    ("encoded", "why"),
    [
        ("", Untrusted.CLIENT),
        ("client_id=", Untrusted.CLIENT),
        (query() + "&client_id=other", Untrusted.CLIENT),
        (query(redirect_uri=""), Untrusted.REDIRECT),
        (query(redirect_uri="https://evil.example/back"), Untrusted.REDIRECT),
        (query() + "&redirect_uri=https%3A%2F%2Fshop.example%2Fback", Untrusted.REDIRECT),
        (query() + "&%zz=1", Untrusted.MALFORMED),
        (query() + "&x=%ff", Untrusted.MALFORMED),
        (query() + "&x=%00", Untrusted.MALFORMED),
        (query() + "&=x", Untrusted.MALFORMED),
        (query() + "&x=" * 65, Untrusted.MALFORMED),
    ],
)
def test_nobody_is_redirected(encoded: str, why: Untrusted) -> None:
    """When client or address is in doubt, the person sees a page (RFC 6749 4.1.2.1)."""
    with pytest.raises(UntrustedRequestError) as refused:
        read(encoded)
    assert refused.value.why is why


def test_a_client_without_the_grant() -> None:
    """A client that does not list the grant gets no code."""
    with pytest.raises(AuthorizationError) as refused:
        read(query(), replace(CLIENT, grants=frozenset({"client_credentials"})))
    assert refused.value.refusal.value == "unauthorized_client"


def test_without_scope() -> None:
    """Not said: all that the client may have (RFC 6749 3.3)."""
    assert read(query(scope="")).scopes == CLIENT.scopes
