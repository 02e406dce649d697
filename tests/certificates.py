"""Certificates for tests: authorities, and what they issue. Made anew each time; nothing of them is secret."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Certificate:
    """A certificate, its private key, and those that lead from it to an authority."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...] = ()

    @classmethod
    def authority(cls, name: str = "authority of the tests", by: Certificate | None = None) -> Certificate:
        """One that issues others."""
        return _made(name, by, authority=True)

    @classmethod
    def self_signed(cls, name: str = "self-signed", **changes: object) -> Certificate:
        """One that nobody vouches for."""
        return _made(name, None, **changes)  # type: ignore[arg-type]

    def issue(self, name: str, **changes: object) -> Certificate:
        """One that this authority vouches for."""
        return _made(name, self, **changes)  # type: ignore[arg-type]

    def revoked(self, *certificates: Certificate, days: float = 7) -> str:
        """This authority's list of what it has taken back, good for so long."""
        now = datetime.now(UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - timedelta(days=1))
            .next_update(now + timedelta(days=days))
        )
        for one in certificates:
            entry = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(now - timedelta(days=1)).build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def pem(self) -> str:
        """The certificate and its chain."""
        return "".join(one.public_bytes(Encoding.PEM).decode() for one in (self.certificate, *self.chain))

    def key_pem(self, passphrase: str = "") -> str:
        """The private key."""
        how: KeySerializationEncryption = NoEncryption()
        if passphrase:
            how = BestAvailableEncryption(passphrase.encode())
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how).decode()

    def write(self, folder: Path, name: str) -> Self:
        """As `name.pem` and `name.key`."""
        (folder / f"{name}.pem").write_text(self.pem())
        (folder / f"{name}.key").write_text(self.key_pem())
        (folder / f"{name}.key").chmod(0o600)
        return self

    @property
    def der(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def thumbprint(self) -> str:
        """RFC 8705 3.1: base64url of its SHA-256."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.der).digest()).rstrip(b"=").decode()


def _made(
    name: str,
    by: Certificate | None,
    *,
    authority: bool = False,
    names: Sequence[x509.GeneralName] = (
        x509.IPAddress(ipaddress.ip_address(HOST)),
        x509.DNSName("localhost"),
    ),
    days: float = 30,
    since_days: float = 1,
    for_servers_only: bool = False,
    subject: x509.Name | None = None,
) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = subject or x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=since_days))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if names and not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if for_servers_only:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
    is_below_root = by is not None and by.certificate.subject != by.certificate.issuer
    chain = (by.certificate, *by.chain) if by is not None and is_below_root else ()
    return Certificate(builder.sign(by.key if by else key, hashes.SHA256()), key, chain)
