"""DPoP proofs (RFC 9449 4.3): what holds for a call, and everything that does not. Proofs are made by joserfc."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, RSAKey

from sumun.tokens.base64url import encode
from sumun.tokens.dpop import Shown, read_proof
from sumun.tokens.errors import BadProofError
from tests.unit.tokens.proofs import jkt, key_for, new_key, proof, signed

URI = "https://gw.example/orders/17"
TOKEN = "smn_at_token"


def shown(text: str | None, method: str = "GET", uri: str | None = URI) -> Shown:
    return Shown(method, uri, text)


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "Ed25519", "RS256", "PS256"])
def test_a_proof_of_this_call_holds(alg: str) -> None:
    """Each algorithm that is published is taken, and what it proves is the key's thumbprint as a library has it."""
    found = read_proof(shown(proof("GET", URI, alg=alg, token=TOKEN, nonce="n-1", jti="one", iat=17)), TOKEN)
    assert (found.proves, found.issued_at, found.nonce) == (f"jkt:{jkt(key_for(alg))}", 17, "n-1")


def test_a_key_uses_up_only_its_own_jti() -> None:
    """Two proofs are the same one only when key and jti are: nobody can use up another's (RFC 9449 11.1)."""
    ours, theirs = key_for("ES256"), new_key()
    one, again, other = (
        read_proof(shown(proof("GET", URI, key, jti=jti)), None).digest
        for key, jti in ((ours, "one"), (ours, "one"), (ours, "two"))
    )
    assert one == again != other
    assert read_proof(shown(proof("GET", URI, theirs, jti="one")), None).digest not in (one, other)


@pytest.mark.parametrize(
    "htu",
    [
        URI + "?page=2#top",
        "HTTPS://GW.example:443/orders/17",
        "https://gw.example/%6Frders/17",
    ],
)
def test_one_uri_has_many_spellings(htu: str) -> None:
    """Query and fragment do not count, and RFC 3986's equivalent spellings are the same URI (4.3)."""
    assert read_proof(shown(proof("GET", htu)), None)


@pytest.mark.parametrize(
    ("claims", "word"),
    [
        ({"htm": "POST"}, "htm"),
        ({"htm": "get"}, "htm"),
        ({"htm": None}, "htm"),
        ({"htu": "https://gw.example/orders/18"}, "htu"),
        ({"htu": "https://gw.example/orders/17/"}, "htu"),
        ({"htu": "http://gw.example/orders/17"}, "htu"),
        ({"htu": "https://evil.example/orders/17"}, "htu"),
        ({"htu": "https://gw.example:8443/orders/17"}, "htu"),
        ({"htu": "https://me@gw.example/orders/17"}, "htu"),
        ({"htu": "/orders/17"}, "htu"),
        ({"htu": 17}, "htu"),
        ({"htu": None}, "htu"),
        ({"ath": None}, "ath"),
        ({"ath": "x" * 43}, "ath"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 5}, "jti"),
        ({"jti": "x" * 257}, "jti"),
        ({"iat": None}, "iat"),
        ({"iat": "17"}, "iat"),
        ({"iat": True}, "iat"),
        ({"iat": -1}, "iat"),
        ({"nonce": ""}, "nonce"),
        ({"nonce": 'a"b'}, "nonce"),
        ({"nonce": ["n"]}, "nonce"),
    ],
)
def test_claims_that_do_not_hold(claims: dict[str, Any], word: str) -> None:
    """Another method, URI or token, or a claim that is missing or of another type: refused, and told which."""
    with pytest.raises(BadProofError, match=word):
        read_proof(shown(proof("GET", URI, token=TOKEN, **claims)), TOKEN)


PUBLIC = key_for("ES256").as_dict(private=False)


@pytest.mark.parametrize(
    "header",
    [
        {"typ": None},
        {"typ": "JWT"},
        {"typ": "at+jwt"},
        {"jwk": None},
        {"jwk": key_for("ES256").as_dict(private=True)},
        {"jwk": new_key().as_dict(private=False)},
        {"jwk": {**PUBLIC, "use": "enc"}},
        {"jwk": {**PUBLIC, "key_ops": 5}},
        {"jwk": {**PUBLIC, "key_ops": None}},
        {"jwk": {**PUBLIC, "key_ops": ["sign"]}},
        {"jwk": {**PUBLIC, "kty": ["EC"]}},
        {"jwk": {**PUBLIC, "crv": {}}},
        {"jwk": {**PUBLIC, "alg": "RS256"}},
        {"jwk": {**PUBLIC, "kid": 5}},
        {"jwk": {**PUBLIC, "crv": "P-384"}},
        {"jwk": {**PUBLIC, "x": PUBLIC["y"]}},
        {"jwk": {**PUBLIC, "x": PUBLIC["x"] + "="}},
        {"crit": ["kid"], "kid": "k"},
        {"zip": "DEF"},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/certificate"},
        {"x5c": ["MIIB"]},
    ],
)
def test_headers_that_are_refused(header: dict[str, Any]) -> None:
    """Another type, a key that is private, foreign or bent, and every member that would have us fetch or obey."""
    with pytest.raises(BadProofError):
        read_proof(shown(proof("GET", URI, header=header)), None)


def test_no_symmetric_key_and_no_algorithm_of_ours_is_confused() -> None:
    """`none`, an HMAC keyed with the public key, and a signature under another algorithm's name prove nothing."""
    honest = proof("GET", URI)
    body = honest.split(".")[1]
    none = ".".join(
        [encode(json.dumps({"typ": "dpop+jwt", "alg": "none", "jwk": PUBLIC}).encode()), body, ""]
    )
    unsigned = none + "AA"
    secret = OctKey.import_key(json.dumps(PUBLIC))
    hmac = signed({"typ": "dpop+jwt", "alg": "HS256", "jwk": PUBLIC}, b"{}", secret)
    oct_key = signed({"typ": "dpop+jwt", "alg": "HS256", "jwk": secret.as_dict()}, b"{}", secret)
    rsa = key_for("RS256")
    renamed = proof(
        "GET", URI, rsa, alg="RS256", header={"jwk": {**rsa.as_dict(private=False), "alg": "PS256"}}
    )
    for text in (none, unsigned, hmac, oct_key, renamed):
        with pytest.raises(BadProofError):
            read_proof(shown(text), None)


def test_weak_and_monstrous_keys_are_refused() -> None:
    """RSA of 1024 bits, of an exponent that makes us work, and another curve."""
    with pytest.warns(SecurityWarning):
        weak = RSAKey.generate_key(1024)
    slow = {**key_for("RS256").as_dict(private=False), "e": encode((2**40 + 1).to_bytes(6))}
    large = {**slow, "e": "AQAB", "n": encode(b"\xff" * 1025)}
    padded = {**large, "n": encode(b"\0" + b"\xff" * 256)}
    for text in (
        proof("GET", URI, weak, alg="RS256"),
        *(
            proof("GET", URI, key_for("RS256"), alg="RS256", header={"jwk": one})
            for one in (slow, large, padded)
        ),
        proof("GET", URI, ECKey.generate_key("P-384"), alg="ES384"),
    ):
        with pytest.raises(BadProofError):
            read_proof(shown(text), None)


def test_a_name_that_stands_twice_is_refused() -> None:
    """Two readers that take another of two `htu` would be an attack."""
    claims = (
        '{"jti":"a","htm":"GET","htu":"https://evil.example/","htu":"https://gw.example/orders/17","iat":1}'
    )
    text = signed({"typ": "dpop+jwt", "alg": "ES256", "jwk": PUBLIC}, claims, key_for("ES256"))
    with pytest.raises(BadProofError):
        read_proof(shown(text), None)


def test_a_call_that_shows_nothing() -> None:
    """No header, and a host that is none of ours: refused, whatever the proof says."""
    with pytest.raises(BadProofError, match="no DPoP header"):
        read_proof(shown(None), None)
    with pytest.raises(BadProofError, match="host"):
        read_proof(shown(proof("GET", URI), uri=None), None)


HONEST = proof("GET", URI, token=TOKEN, jti="one", iat=17)


@given(st.integers(0, len(HONEST) - 1), st.characters(codec="utf-8"))
def test_no_altered_proof_holds(at: int, by: str) -> None:
    """One character of a proof changed to any other, and it is refused: there is one spelling of each."""
    altered = HONEST[:at] + by + HONEST[at + 1 :]
    if altered == HONEST:
        return
    with pytest.raises(BadProofError):
        read_proof(shown(altered), TOKEN)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)
MEMBERS = st.dictionaries(st.sampled_from(["typ", "alg", "jwk", "kid", "crit"]), JSON)
CLAIMS = st.dictionaries(st.sampled_from(["htm", "htu", "jti", "iat", "ath", "nonce"]), JSON)


@given(MEMBERS, CLAIMS, st.binary(max_size=80))
def test_junk_is_refused_in_words(header: dict[str, Any], claims: dict[str, Any], signature: bytes) -> None:
    """Whatever three parts say, the answer is a refusal, and never an exception of another kind."""
    text = ".".join(
        (encode(json.dumps(header).encode()), encode(json.dumps(claims).encode()), encode(signature))
    )
    with pytest.raises(BadProofError):
        read_proof(shown(text), None)


@given(st.text(max_size=200))
def test_any_text_is_refused_in_words(text: str) -> None:
    """So is every text."""
    with pytest.raises(BadProofError):
        read_proof(shown(text), None)
