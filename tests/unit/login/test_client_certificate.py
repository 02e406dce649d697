"""Clients prove who they are with a certificate (RFC 8705 2)."""

from __future__ import annotations

import base64
import hashlib
import ipaddress

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from sumun.config.plan import CertificateBy, KnownCertificates
from sumun.login.client_certificate import BadCertificateWordsError, ShownCertificate, read_shown, why_not
from tests.certificates import Certificate

SUBJECT = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "KR"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example, Inc | 수문"),
        x509.NameAttribute(NameOID.COMMON_NAME, "billing"),
    ]
)
NAMES = (
    x509.DNSName("Billing.example.com"),
    x509.DNSName("*.wild.example.com"),
    x509.UniformResourceIdentifier("spiffe://example.com/billing"),
    x509.IPAddress(ipaddress.ip_address("2001:db8::1")),
    x509.RFC822Name("billing@example.com"),
)
BILLING = Certificate.authority().issue("billing", names=NAMES, subject=SUBJECT)


def shown(of: Certificate = BILLING, *, vouched_for: bool = True) -> ShownCertificate:
    """A connection with this certificate."""
    return ShownCertificate(of.der, vouched_for)


def known(by: str, *values: str) -> KnownCertificates:
    """What a client is known by."""
    return KnownCertificates(CertificateBy(by), values)


@pytest.mark.parametrize(
    ("by", "right", "wrong"),
    [
        ("subject_dn", r"CN=billing,O=Example\, Inc | 수문,C=KR", r"C=KR,O=Example\, Inc | 수문,CN=billing"),
        ("san_dns", "billing.example.com", "a.wild.example.com"),
        ("san_uri", "spiffe://example.com/billing", "spiffe://example.com/"),
        ("san_ip", "2001:db8::1", "2001:db8::2"),
        ("san_email", "billing@example.com", "illing@example.com"),
    ],
)
def test_by_name(by: str, right: str, wrong: str) -> None:
    """The name has to be the one that is configured, whole, and somebody has to vouch for it."""
    assert why_not(known(by, right), shown()) is None
    assert why_not(known(by, wrong), shown()) == "wrong_certificate"
    assert why_not(known(by, right), shown(vouched_for=False)) == "certificate_not_vouched_for"
    assert why_not(known(by, right), shown(Certificate.self_signed(names=()))) == "wrong_certificate"
    assert why_not(known(by, right), None) == "no_certificate"


def test_a_name_of_another_kind() -> None:
    """A DNS name in the common name, or a URI that looks like it, is no DNS name."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "billing.example.com")])
    names = (x509.UniformResourceIdentifier("billing.example.com"), x509.RFC822Name("a@billing.example.com"))
    liar = Certificate.authority().issue("liar", names=names, subject=subject)
    assert why_not(known("san_dns", "billing.example.com"), shown(liar)) == "wrong_certificate"


def test_by_itself() -> None:
    """A certificate that is known by its thumbprint is good whoever issued it; another with the same words is not."""
    its = known("thumbprints", Certificate.self_signed().thumbprint, BILLING.thumbprint)
    assert why_not(its, shown(vouched_for=False)) is None
    again = Certificate.authority().issue("billing", names=NAMES, subject=SUBJECT)
    assert why_not(its, shown(again)) == "wrong_certificate"


def test_what_is_no_certificate() -> None:
    """Bytes that cannot be read name nobody, whatever HAProxy thought of them."""
    assert (
        why_not(known("san_dns", "a.example"), ShownCertificate(b"x", vouched_for=True))
        == "unreadable_certificate"
    )


def test_words_of_haproxy() -> None:
    """Only `0` means that somebody vouches for it; a dash is a listener without authorities."""
    text = base64.b64encode(BILLING.der).decode()
    for verification, vouched_for in (("0", True), ("18", False), ("-", False), ("00", False)):
        assert read_shown(f"{verification};{text}") == ShownCertificate(BILLING.der, vouched_for)
    assert read_shown(None) is None


@pytest.mark.parametrize(
    "words", ["", "0", "0;", ";YQ==", "0;!", "0;YQ", "x;YQ==", "0;YQ==,0;YQ==", "0000;YQ=="]
)
def test_words_that_haproxy_never_says(words: str) -> None:
    """They are our own fault, and nobody is proven by them."""
    with pytest.raises(BadCertificateWordsError):
        read_shown(words)


def test_thumbprint() -> None:
    """RFC 8705 3.1: base64url of the SHA-256 of the DER, without padding."""
    digest = hashlib.sha256(BILLING.der).digest()
    assert shown().thumbprint == base64.urlsafe_b64encode(digest).decode().rstrip("=")


# OpenSSL lets them through: an extension that stands twice, a version that there is not, a kind of name that nobody has.
STRANGE = [
    (b"\x06\x03\x55\x1d\x13", b"\x06\x03\x55\x1d\x11"),
    (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07"),
    (b"\x81\x13billing@example.com", b"\xa3\x13billing@example.com"),
    (b"\x81\x13billing@example.com", b"\xa5\x13billing@example.com"),
]


@pytest.mark.parametrize(("part", "other"), STRANGE, ids=["twice", "version", "x400", "edi"])
def test_strange_certificates(part: bytes, other: bytes) -> None:
    """Whatever an authority signed: what the library cannot read proves nobody, and is no fault of ours."""
    assert part in BILLING.der
    strange = ShownCertificate(BILLING.der.replace(part, other, 1), vouched_for=True)
    assert why_not(known("san_dns", "billing.example.com"), strange) == "unreadable_certificate"
