"""Clients prove who they are with a certificate: RFC 8705 section 2.

    read_shown(what HAProxy says of the connection) -> ShownCertificate     whose private key the caller has proven
    why_not(known, shown) -> None | reason                                  is it this client's?

`tls_client_auth` (2.1): an authority of the listener vouches for the certificate, and the name in it is the client's.
`self_signed_tls_client_auth` (2.2): it is one of the client's certificates, whoever issued it and whatever it says.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Final

from cryptography import x509

from sumun.config.plan import CertificateBy, KnownCertificates
from sumun.errors import SumunError

VOUCHED_FOR: Final = "0"
"""X509_V_OK: what HAProxy says of a certificate that leads to an authority of the listener."""

_SHOWN: Final = re.compile(r"([0-9]{1,3}|-);([A-Za-z0-9+/]+={0,2})")


_STRANGE: Final = (x509.DuplicateExtension, x509.InvalidVersion, x509.UnsupportedGeneralNameType)
"""What the library says of strange certificates beside ValueError."""


class BadCertificateWordsError(SumunError):
    """HAProxy's words for a client certificate are not those that the rendered configuration has: a bug of ours."""

    code: ClassVar[str] = "bad_certificate_words"


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """The certificate with which a connection was made. Who made it has its private key: TLS saw to that.

    `vouched_for`: it leads to an authority of the listener, is in its time, and is for clients.
    """

    der: bytes = field(repr=False)
    vouched_for: bool

    @property
    def thumbprint(self) -> str:
        """RFC 8705 3.1: base64url of the SHA-256 of the DER, without padding."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.der).digest()).rstrip(b"=").decode()


def read_shown(words: str | None) -> ShownCertificate | None:
    """What HAProxy says: `verification;base64 of the DER` (`haproxy.tls`). None: no certificate was shown.

    Raises BadCertificateWordsError.
    """
    if words is None:
        return None
    found = _SHOWN.fullmatch(words)
    if found is None:
        raise BadCertificateWordsError("HAProxy's words for a client certificate cannot be read")
    try:
        der = base64.b64decode(found[2], validate=True)
    except ValueError:
        raise BadCertificateWordsError("HAProxy's client certificate is not base64") from None
    return ShownCertificate(der, found[1] == VOUCHED_FOR)


def why_not(known: KnownCertificates, shown: ShownCertificate | None) -> str | None:
    """Why this certificate is not one of the client's, in a word for the log; None: it is."""
    if shown is None:
        return "no_certificate"
    if known.by is CertificateBy.THUMBPRINTS:
        return None if shown.thumbprint in known.values else "wrong_certificate"
    if not shown.vouched_for:
        return "certificate_not_vouched_for"
    try:
        certificate = x509.load_der_x509_certificate(shown.der)
        names = set(_names(certificate, known.by))
    except (ValueError, *_STRANGE):  # OpenSSL reads some that this does not
        return "unreadable_certificate"
    return None if names.intersection(known.values) else "wrong_certificate"


def _names(certificate: x509.Certificate, by: CertificateBy) -> Iterable[str]:
    """The names of one kind, each in the spelling that the configuration has them in."""
    if by is CertificateBy.SUBJECT_DN:
        return (certificate.subject.rfc4514_string(),)
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    names = extension.value
    match by:
        case CertificateBy.SAN_DNS:
            return map(str.lower, names.get_values_for_type(x509.DNSName))
        case CertificateBy.SAN_URI:
            return names.get_values_for_type(x509.UniformResourceIdentifier)
        case CertificateBy.SAN_IP:
            return map(str, names.get_values_for_type(x509.IPAddress))
        case CertificateBy.SAN_EMAIL:
            return names.get_values_for_type(x509.RFC822Name)
        case _:
            raise AssertionError(f"{by} is no name")
