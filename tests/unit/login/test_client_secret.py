"""Clients prove who they are (RFC 6749 2.3.1)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.config.plan import CertificateBy, KnownCertificates
from sumun.login import client_secret
from sumun.login.client_assertion import ClientAssertions
from sumun.login.client_certificate import ShownCertificate
from sumun.login.client_secret import (
    ClientAuthMethod,
    ClientLogin,
    ClientProof,
    ClientProofError,
    ClientRejected,
    NoClientProofError,
    Proved,
    TwoClientProofsError,
    read_client_proof,
)
from sumun.login.throttle import Budgets, RateLimited
from sumun.login.throttle_memory import MemoryLoginThrottle
from sumun.tokens.stores.memory_ephemeral import MemoryEphemeral
from tests.unit.login.key_sets import nothing_fetched


def basic(pair: bytes) -> str:
    """The header of this pair."""
    return f"Basic {base64.b64encode(pair).decode()}"


# RFC 6749 Appendix A.1, A.2: VSCHAR; we take any text.
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(WORDS, WORDS)
def test_basic_round_trip(client_id: str, secret: str) -> None:
    """Whatever a client form-urlencodes into Basic is read back."""
    header = basic(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode())
    assert read_client_proof(header, {}) == ClientProof(client_id, ClientAuthMethod.BASIC, secret)


@pytest.mark.parametrize(
    ("authorization", "form", "proof"),
    [
        (None, {"client_id": "a"}, ClientProof("a", ClientAuthMethod.NONE)),
        (None, {"client_id": "a", "client_secret": "s"}, ClientProof("a", ClientAuthMethod.POST, "s")),
        (basic(b"a:s"), {}, ClientProof("a", ClientAuthMethod.BASIC, "s")),
        (
            basic(b"a:s").replace("Basic", "bAsIc"),
            {"client_id": "a"},
            ClientProof("a", ClientAuthMethod.BASIC, "s"),
        ),
        (basic(b"a:"), {}, ClientProof("a", ClientAuthMethod.NONE)),
        (basic(b"a:b:c"), {}, ClientProof("a", ClientAuthMethod.BASIC, "b:c")),
    ],
)
def test_ways(authorization: str | None, form: dict[str, str], proof: ClientProof) -> None:
    """Basic, the body, or the id alone."""
    assert read_client_proof(authorization, form) == proof


@pytest.mark.parametrize(
    ("authorization", "form", "error"),
    [
        (None, {}, NoClientProofError),
        (None, {"client_secret": "s"}, NoClientProofError),
        (basic(b"a:s"), {"client_secret": "s"}, TwoClientProofsError),
        (basic(b"a:s"), {"client_id": "b"}, TwoClientProofsError),
        ("Bearer x", {"client_id": "a"}, ClientProofError),
        ("Bearer x", {"client_id": "a", "client_secret": "s"}, TwoClientProofsError),
        ("Basic", {}, ClientProofError),
        ("Basic ", {}, ClientProofError),
        ("Basic !", {}, ClientProofError),
        ("Basic YTpz YTpz", {}, ClientProofError),
        ("Basic YTpz\n", {}, ClientProofError),
        ("Basic YTp", {}, ClientProofError),
        (basic(b"as"), {}, ClientProofError),
        (basic(b":s"), {}, ClientProofError),
        (basic(b"a:%zz"), {}, ClientProofError),
        (basic(b"a:\xff"), {}, ClientProofError),
        (basic(b"a:%ff"), {}, ClientProofError),
        ("Digest username=a", {}, ClientProofError),
    ],
)
def test_refused(authorization: str | None, form: dict[str, str], error: type[ClientProofError]) -> None:
    """Nobody named, two ways at once, or something that cannot be read."""
    with pytest.raises(error) as raised:
        read_client_proof(authorization, form)
    assert type(raised.value) is error


ITS = ShownCertificate(b"the certificate of a client", vouched_for=False)
KNOWN = KnownCertificates(CertificateBy.THUMBPRINTS, (ITS.thumbprint,))


@dataclass(frozen=True)
class Client:
    secret_sha256: bytes | None
    disabled: bool = False
    certificate: KnownCertificates | None = None
    jwks: str = ""
    jwks_uri: str = ""
    jwks_uri_internal: bool = False
    authentication: str = ""


CLIENTS = {
    "batch": Client(hashlib.sha256(b"right").digest()),
    "public": Client(None),
    "gone": Client(hashlib.sha256(b"right").digest(), disabled=True),
    "gone-public": Client(None, disabled=True),
    "certified": Client(None, certificate=KNOWN),
    "gone-certified": Client(None, disabled=True, certificate=KNOWN),
}


async def find(client_id: str) -> Client | None:
    """The client of these tests."""
    return CLIENTS.get(client_id)


def login(failures: int = 1000) -> ClientLogin[Client]:
    """A login with this budget for each pair."""
    budgets = Budgets(failures, 10 * failures, 100 * failures, 300)
    assertions = ClientAssertions(
        MemoryEphemeral(lambda: 0.0), lambda: 0.0, issuer="https://gw.example", endpoints=frozenset()
    )
    return ClientLogin(find, MemoryLoginThrottle(budgets, lambda: 0.0), assertions, nothing_fetched())


def prove(client_id: str, secret: str = "", of: ClientLogin[Client] | None = None) -> object:
    """What becomes of this proof."""
    method = ClientAuthMethod.POST if secret else ClientAuthMethod.NONE
    return asyncio.run((of or login()).prove(ClientProof(client_id, method, secret), "192.0.2.1"))


@pytest.mark.parametrize(
    ("client_id", "secret", "outcome"),
    [
        ("batch", "right", Proved(CLIENTS["batch"])),
        ("public", "", Proved(CLIENTS["public"])),
        ("batch", "wrong", ClientRejected("wrong_secret")),
        ("batch", "", ClientRejected("no_secret")),
        ("public", "x", ClientRejected("public_client_with_secret")),
        ("gone", "right", ClientRejected("disabled")),
        ("gone", "wrong", ClientRejected("wrong_secret")),
        ("gone-public", "", ClientRejected("disabled")),
        ("nobody", "right", ClientRejected("unknown")),
        ("nobody", "", ClientRejected("unknown")),
    ],
)
def test_judged(client_id: str, secret: str, outcome: object) -> None:
    """A confidential client has its secret, a public one has none, a disabled one is nobody."""
    assert prove(client_id, secret) == outcome


@pytest.mark.parametrize(
    ("client_id", "secret", "shown", "outcome"),
    [
        ("certified", "", ITS, Proved(CLIENTS["certified"])),
        ("certified", "", None, ClientRejected("no_certificate")),
        (
            "certified",
            "",
            ShownCertificate(b"another", vouched_for=True),
            ClientRejected("wrong_certificate"),
        ),
        ("certified", "right", ITS, ClientRejected("secret_beside_certificate")),
        ("gone-certified", "", ITS, ClientRejected("disabled")),
        ("batch", "", ITS, ClientRejected("no_secret")),
        ("public", "", ITS, Proved(CLIENTS["public"])),
    ],
)
def test_by_certificate(client_id: str, secret: str, shown: ShownCertificate | None, outcome: object) -> None:
    """A client that is known by certificates has one of them and no secret; to another a certificate is no help."""
    method = ClientAuthMethod.POST if secret else ClientAuthMethod.NONE
    proof = ClientProof(client_id, method, secret, shown)
    assert asyncio.run(login().prove(proof, "192.0.2.1")) == outcome


def test_every_judgement_is_one_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    """Known or not, with a secret or without: one comparison of two digests, in constant time."""
    compared: list[tuple[int, int]] = []
    real = hmac.compare_digest

    def count(one: bytes, two: bytes) -> bool:
        compared.append((len(one), len(two)))
        return real(one, two)

    monkeypatch.setattr(client_secret.hmac, "compare_digest", count)
    for client_id in ("batch", "public", "gone", "nobody"):
        for secret in ("right", "wrong", ""):
            compared.clear()
            prove(client_id, secret)
            assert compared == [(32, 32)]


def test_guessing_ends() -> None:
    """Wrong secrets use the budget up; then the right one waits too, and another source does not."""
    one = login(failures=2)
    for _ in range(2):
        assert isinstance(prove("batch", "guess", one), ClientRejected)
    assert isinstance(prove("batch", "right", one), RateLimited)
    elsewhere = asyncio.run(one.prove(ClientProof("batch", ClientAuthMethod.POST, "right"), "192.0.2.2"))
    assert elsewhere == Proved(CLIENTS["batch"])


def test_asking_without_a_secret_is_not_guessing() -> None:
    """A public client that is unknown or asks often uses nobody's budget up."""
    one = login(failures=1)
    for _ in range(5):
        assert prove("nobody", "", one) == ClientRejected("unknown")
        assert prove("batch", "", one) == ClientRejected("no_secret")
    assert prove("batch", "right", one) == Proved(CLIENTS["batch"])


def test_secrets_do_not_print() -> None:
    """A proof never shows its secret."""
    assert "hush" not in repr(ClientProof("a", ClientAuthMethod.POST, "hush"))
