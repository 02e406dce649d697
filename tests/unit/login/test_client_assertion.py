"""Clients prove themselves with a key (RFC 7523): assertions made by joserfc, and everything that is none."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import Key, OctKey

from sumun.config.plan import KnownCertificates
from sumun.login.client_assertion import LIVES_SECONDS, TYPE, ClientAssertions
from sumun.login.client_secret import (
    ClientLogin,
    ClientProofError,
    ClientRejected,
    Proved,
    TwoClientProofsError,
    read_client_proof,
)
from sumun.login.throttle import Budgets, RateLimited
from sumun.login.throttle_memory import MemoryLoginThrottle
from sumun.tokens.stores.memory_ephemeral import MemoryEphemeral
from tests.unit.login.key_sets import nothing_fetched
from tests.unit.tokens.proofs import key_for, new_key, signed

NOW = 1_800_000_000.0
ISSUER = "https://gw.example"
TOKEN = f"{ISSUER}/oauth/token"
KEY = key_for("ES256")


def key_set(*keys: tuple[str, Key]) -> str:
    """A JWK Set of these keys under these names."""
    return json.dumps({"keys": [{**key.as_dict(private=False), "kid": kid} for kid, key in keys]})


@dataclass(frozen=True)
class Client:
    jwks: str = ""
    jwks_uri: str = ""
    jwks_uri_internal: bool = False
    secret_sha256: bytes | None = None
    authentication: str = ""
    certificate: KnownCertificates | None = None
    disabled: bool = False


ROTATED = new_key()
CLIENTS = {
    "robot": Client(key_set(("k1", KEY))),
    "two": Client(key_set(("k1", KEY), ("k2", ROTATED))),
    "rsa": Client(key_set(("r", key_for("RS256")))),
    "gone": Client(key_set(("k1", KEY)), disabled=True),
    "secret": Client(secret_sha256=bytes(32)),
    "public": Client(),
    "strange": Client('{"keys":[{"kty":"EC","crv":"P-256","x":"' + "A" * 43 + '","y":"' + "A" * 43 + '"}]}'),
}


async def find(client_id: str) -> Client | None:
    return CLIENTS.get(client_id)


def login(failures: int = 1000) -> ClientLogin[Client]:
    """A login that has seen no assertion yet."""
    assertions = ClientAssertions(
        MemoryEphemeral(lambda: NOW), lambda: NOW, issuer=ISSUER, endpoints=frozenset({TOKEN})
    )
    budgets = Budgets(failures, 10 * failures, 100 * failures, 300)
    return ClientLogin(find, MemoryLoginThrottle(budgets, lambda: NOW), assertions, nothing_fetched())


def assertion(
    client: str = "robot",
    key: Key = KEY,
    *,
    alg: str = "ES256",
    header: dict[str, Any] | None = None,
    **claims: Any,
) -> str:
    """What the client signs. None takes a member out."""
    made = {"iss": client, "sub": client, "aud": ISSUER, "jti": "j", "iat": int(NOW), "exp": int(NOW) + 60}
    kept = {name: value for name, value in (made | claims).items() if value is not None}
    return signed({"alg": alg} | (header or {}), json.dumps(kept), key)


def prove(text: str, of: ClientLogin[Client] | None = None, **more: str) -> object:
    """What becomes of a form with this assertion."""
    form = {"client_assertion_type": TYPE, "client_assertion": text, **more}
    return asyncio.run((of or login()).prove(read_client_proof(None, form), "192.0.2.1"))


@pytest.mark.parametrize(
    ("client", "made"),
    [
        ("robot", {}),
        ("robot", {"header": {"kid": "k1", "typ": "JWT"}}),
        ("robot", {"header": {"kid": KEY.thumbprint(), "typ": "client-authentication+jwt"}}),
        ("robot", {"aud": TOKEN}),
        ("robot", {"aud": [ISSUER, TOKEN]}),
        ("robot", {"iat": None}),
        ("robot", {"exp": int(NOW) + 3600}),
        ("two", {"header": {"kid": "k2"}, "key": ROTATED}),
        ("rsa", {"key": key_for("RS256"), "alg": "PS256"}),
        ("rsa", {"key": key_for("RS256"), "alg": "RS256"}),
    ],
    ids=map(str, itertools.count()),
)
def test_its_own_assertion_proves_a_client(client: str, made: dict[str, Any]) -> None:
    """By its only key or the one that it names, for the issuer or the token endpoint, as real clients write them."""
    assert prove(assertion(client, **made)) == Proved(CLIENTS[client])


@pytest.mark.parametrize(
    ("client", "made", "because"),
    [
        ("robot", {"key": new_key()}, "wrong_signature"),
        ("robot", {"header": {"kid": "k9"}}, "no_such_key"),
        ("two", {}, "no_such_key"),
        ("two", {"header": {"kid": "k2"}}, "wrong_signature"),
        ("robot", {"alg": "HS256", "key": OctKey.import_key("k" * 32)}, "wrong_signature"),
        ("robot", {"alg": "RS256", "key": key_for("RS256")}, "wrong_signature"),
        ("robot", {"header": {"typ": "at+jwt"}}, "strange_header"),
        ("robot", {"header": {"jku": "https://evil.example/keys"}}, "strange_header"),
        ("robot", {"header": {"jwk": KEY.as_dict(private=False)}}, "strange_header"),
        ("robot", {"header": {"kid": "k1", "crit": ["kid"]}}, "strange_header"),
        ("robot", {"iss": "other"}, "wrong_subject"),
        ("robot", {"iss": None}, "wrong_subject"),
        ("robot", {"aud": "https://other.example"}, "wrong_audience"),
        ("robot", {"aud": [ISSUER, "https://other.example"]}, "wrong_audience"),
        ("robot", {"aud": []}, "wrong_audience"),
        ("robot", {"aud": None}, "wrong_audience"),
        ("robot", {"exp": None}, "no_time"),
        ("robot", {"exp": "soon"}, "no_time"),
        ("robot", {"exp": int(NOW)}, "expired"),
        ("robot", {"iat": int(NOW) - LIVES_SECONDS, "exp": int(NOW) + 60}, "too_old"),
        ("robot", {"iat": int(NOW) + 61, "exp": int(NOW) + 90}, "not_yet"),
        ("robot", {"nbf": int(NOW) + 61}, "not_yet"),
        ("robot", {"iat": None, "exp": int(NOW) + LIVES_SECONDS + 61}, "lives_too_long"),
        ("robot", {"jti": None}, "no_jti"),
        ("robot", {"jti": "x" * 257}, "no_jti"),
        ("gone", {}, "disabled"),
        ("nobody", {}, "unknown"),
        ("secret", {}, "no_keys"),
        ("public", {}, "no_keys"),
        ("strange", {}, "unusable_key"),
    ],
    ids=map(str, itertools.count()),
)
def test_what_proves_nobody(client: str, made: dict[str, Any], because: str) -> None:
    """Refused, and only the log says why."""
    assert prove(assertion(client, **made)) == ClientRejected(because)


def test_an_assertion_is_good_once() -> None:
    """The same one again proves nobody, and neither does another with its `jti`; another client's is another one."""
    one = login()
    assert prove(assertion(), one) == Proved(CLIENTS["robot"])
    assert prove(assertion(), one) == ClientRejected("used_before")
    assert prove(assertion("two", header={"kid": "k1"}), one) == Proved(CLIENTS["two"])
    assert prove(assertion(jti="k"), one) == Proved(CLIENTS["robot"])


def test_a_forged_one_uses_nothing_up() -> None:
    """Who has not the key cannot spoil the client's own."""
    one = login()
    assert prove(assertion(key=new_key()), one) == ClientRejected("wrong_signature")
    assert prove(assertion(), one) == Proved(CLIENTS["robot"])


def test_a_client_with_keys_needs_an_assertion() -> None:
    """Its id alone, or some secret, is not enough."""
    for form in ({"client_id": "robot"}, {"client_id": "robot", "client_secret": "x"}):
        found = asyncio.run(login().prove(read_client_proof(None, form), "192.0.2.1"))
        assert found == ClientRejected("no_assertion")


def test_guesses_are_counted() -> None:
    """Whoever sends forged ones has to wait."""
    one = login(failures=2)
    for _ in range(2):
        prove(assertion(key=new_key()), one)
    assert isinstance(prove(assertion(), one), RateLimited)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"client_secret": "x"}, TwoClientProofsError),
        ({"client_id": "other"}, TwoClientProofsError),
        (
            {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
            ClientProofError,
        ),
        ({"client_assertion": "junk"}, ClientProofError),
        ({"client_assertion": assertion(sub=None)}, ClientProofError),
        ({"client_assertion": assertion(sub=5)}, ClientProofError),
    ],
    ids=map(str, itertools.count()),
)
def test_forms_that_say_nothing(more: dict[str, str], error: type[Exception]) -> None:
    """Two ways at once, two clients, another type, no JWT."""
    with pytest.raises(error):
        prove(assertion(), **more)
    with pytest.raises(TwoClientProofsError):
        read_client_proof("Basic eDp5", {"client_assertion_type": TYPE, "client_assertion": assertion()})


HONEST = assertion()


@given(st.integers(0, len(HONEST) - 1), st.characters(codec="ascii"))
def test_no_altered_assertion_proves(at: int, by: str) -> None:
    """One character changed, and it proves nobody."""
    altered = HONEST[:at] + by + HONEST[at + 1 :]
    if altered == HONEST:
        return
    with contextlib.suppress(ClientProofError):
        assert isinstance(prove(altered), ClientRejected)
