"""src/sumun/tokens/signing_keys.py and private_jwk.py"""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc import jwk

from sumun.tokens.errors import NoSigningKeyError, UnusableKeyError
from sumun.tokens.signatures import Algorithm
from sumun.tokens.signing_keys import KeyRing, SigningKey, thumbprint
from tests.unit.tokens.keys import KEYS, ring_of, stored

ALGORITHMS = list(Algorithm)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_signs_and_verifies(alg: str) -> None:
    """A signature holds for its data and for nothing else."""
    key = KEYS[alg]
    signature = key.sign(b"data")
    assert key.verifies(signature, b"data")
    assert not key.verifies(signature, b"Data")
    assert not key.verifies(signature[:-1] + bytes([signature[-1] ^ 1]), b"data")
    assert not key.verifies(signature + b"\0", b"data")
    assert not key.verifies(signature[:-1], b"data")
    assert not key.verifies(b"", b"data")


def test_another_padding_is_another_algorithm() -> None:
    """The same RSA key under RS256 does not take what it signed under PS256."""
    rs, ps = (SigningKey.of(KEYS["RS256"].private, alg) for alg in ("RS256", "PS256"))
    assert rs.kid == ps.kid
    assert not rs.verifies(ps.sign(b"data"), b"data")
    assert not ps.verifies(rs.sign(b"data"), b"data")


@pytest.mark.parametrize(
    ("r", "s"),
    [(0, 0), (0, 1), (1, 0)],
)
def test_es256_takes_no_zero(r: int, s: int) -> None:
    """CVE-2022-21449: r and s of zero are no signature."""
    assert not KEYS["ES256"].verifies(r.to_bytes(32) + s.to_bytes(32), b"data")


def test_es256_takes_no_number_beyond_the_order() -> None:
    """r + n is another spelling of r, and refused."""
    key = KEYS["ES256"]
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    signature = key.sign(b"data")
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    for wrong in ((r + order) % 2**256, order, 2**256 - 1):
        assert not key.verifies(wrong.to_bytes(32) + s.to_bytes(32), b"data")
        assert not key.verifies(r.to_bytes(32) + wrong.to_bytes(32), b"data")


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_jwk_comes_back(alg: str) -> None:
    """A key written as JWK and read again is the same key, and a library that is not ours reads it too."""
    key = KEYS[alg]
    again = SigningKey.from_jwk(key.to_jwk(), alg)
    assert again.kid == key.kid
    assert key.verifies(again.sign(b"data"), b"data")
    foreign = jwk.import_key(json.loads(key.to_jwk()))
    assert foreign.is_private
    assert foreign.thumbprint() == key.kid
    assert json.loads(key.to_public_jwk()) == dict(key.public_jwk)


def test_thumbprint_is_that_of_the_rfc() -> None:
    """RFC 7638 3.1, its own example."""
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs"
        "tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n"
        "91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    assert thumbprint({"kty": "RSA", "n": n, "e": "AQAB"}) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_nothing_private_is_published_or_printed(alg: str) -> None:
    """The public JWK, repr and the stored row's repr hold no private member."""
    key = KEYS[alg]
    private = json.loads(key.to_jwk())["d"]
    ring = ring_of(key)
    assert set(json.loads(key.to_public_jwk())) <= {"kty", "crv", "x", "y", "n", "e", "use", "alg", "kid"}
    for shown in (repr(key), repr(stored(key)), repr(ring), json.dumps(ring.jwks(0))):
        assert private not in shown


@pytest.mark.parametrize(
    ("private", "alg"),
    [
        (ec.generate_private_key(ec.SECP384R1()), "ES256"),
        (ec.generate_private_key(ec.SECP256K1()), "ES256"),
        (ed25519.Ed25519PrivateKey.generate(), "ES256"),
        (ec.generate_private_key(ec.SECP256R1()), "RS256"),
        (rsa.generate_private_key(public_exponent=65537, key_size=1024), "RS256"),  # noqa: S505
        (rsa.generate_private_key(public_exponent=65537, key_size=1024), "PS256"),  # noqa: S505
        (ed25519.Ed25519PrivateKey.generate(), "HS256"),
        (ed25519.Ed25519PrivateKey.generate(), "none"),
    ],
    ids=("P-384", "secp256k1", "OKP as EC", "EC as RSA", "short RSA", "short RSA, PSS", "HMAC", "none"),
)
def test_refuses_a_key_that_does_not_fit(private: object, alg: str) -> None:
    """A key goes with its algorithm, and is long enough, or is not used."""
    with pytest.raises(UnusableKeyError):
        SigningKey.of(private, alg)


def test_a_jwk_that_is_none() -> None:
    """A text that is no private JWK of ours is refused in a sentence that does not repeat it."""
    good = json.loads(KEYS["ES256"].to_jwk())
    other = json.loads(SigningKey.generate("ES256").to_jwk())
    okp = json.loads(KEYS["EdDSA"].to_jwk())
    okp_other = json.loads(SigningKey.generate("EdDSA").to_jwk())
    rsa_key = json.loads(KEYS["RS256"].to_jwk())
    for alg, wrong in (("EdDSA", {**okp, "x": okp_other["x"]}), ("RS256", {**rsa_key, "d": "AQAB"})):
        with pytest.raises(UnusableKeyError):
            SigningKey.from_jwk(json.dumps(wrong), alg)
    for wrong in (
        "",
        "secret nonsense",
        "[]",
        json.dumps({"kty": "oct", "k": good["d"]}),
        json.dumps({name: value for name, value in good.items() if name != "d"}),
        json.dumps({**good, "x": other["x"], "y": other["y"]}),
        json.dumps({**good, "d": 5}),
        json.dumps({**okp, "x": okp_other["x"]}),
        json.dumps({**okp, "d": "AAAA"}),
        json.dumps({**rsa_key, "d": "AQAB"}),
        json.dumps({**rsa_key, "n": good["x"]}),
    ):
        with pytest.raises(UnusableKeyError) as caught:
            SigningKey.from_jwk(wrong, "ES256")
        assert good["d"] not in str(caught.value)
        assert "nonsense" not in str(caught.value)


def test_the_newest_active_key_signs() -> None:
    """A published key verifies and does not sign; of two active ones the newer signs."""
    old, new, published = (SigningKey.generate("ES256") for _ in range(3))
    ring = KeyRing.of(
        [
            stored(new, created_at_ms=2),
            stored(old, created_at_ms=1),
            stored(published, "published", created_at_ms=3),
        ]
    )
    assert ring.active("ES256").kid == new.kid
    assert all(ring.verifying(key.kid, 0) for key in (old, new, published))
    assert [key["kid"] for key in ring.jwks(0)["keys"]] == [old.kid, new.kid, published.kid]


def test_a_retired_key_is_gone() -> None:
    """A key verifies until its moment and not after; a retired one not at all, whatever its row still holds."""
    key, retired = SigningKey.generate("ES256"), SigningKey.generate("ES256")
    ring = KeyRing.of([stored(key, "published", retires_at_ms=5000), stored(retired, "retired")])
    assert ring.verifying(key.kid, 4.999)
    assert ring.verifying(key.kid, 5.0) is None
    assert ring.jwks(5.0) == {"keys": []}
    assert ring.verifying(retired.kid, 0) is None
    assert ring.verifying("unknown", 0) is None


def test_no_key_is_said() -> None:
    """Who wants to sign without an active key is told what to do."""
    for alg in ("ES256", "HS256"):
        with pytest.raises(NoSigningKeyError, match="sumun keys rotate"):
            KeyRing.of([]).active(alg)


def test_a_row_that_was_mixed_up() -> None:
    """A kid that is not its key's thumbprint is refused: somebody changed the row."""
    key, other = SigningKey.generate("ES256"), SigningKey.generate("ES256")
    with pytest.raises(UnusableKeyError, match="thumbprint"):
        KeyRing.of([stored(key, kid=other.kid)])
