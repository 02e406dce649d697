"""Files of certificates, keys and revocation lists (PEM, RFC 7468): read, looked at, written in one spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from sumun.config.plan import CertificateFiles
from sumun.haproxy.sections import Line

_LARGEST: Final = 1 << 20
_LARGEST_LISTS: Final = 16 << 20
_LIST: Final = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)
_KEY: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)


class UnfitError(Exception):
    """A file is not what it should be."""

    def __init__(self, what: str, mend: str = "") -> None:
        """`mend`: what to do about it."""
        super().__init__(what)
        self.what, self.mend = what, mend


def read_pair(one: CertificateFiles) -> tuple[list[x509.Certificate], PrivateKeyTypes]:
    """Chain and key of a certificate, once they belong together. Raises UnfitError."""
    chain = read_certificates(one.chain)
    key = _key(one.key)
    if _public(key) != _spki(chain[0]):
        if any(_public(key) == _spki(other) for other in chain[1:]):
            raise UnfitError(
                f"the first certificate in {one.chain} is not the one of the key in {one.key}, a later one is",
                "put it first; those that lead from it to an authority stand behind it",
            )
        raise UnfitError(
            f"the key in {one.key} does not belong to the certificate in {one.chain}",
            "name the key that the certificate was made for",
        )
    return chain, key


def read_certificates(path: str) -> list[x509.Certificate]:
    """At least one. Raises UnfitError."""
    try:
        return x509.load_pem_x509_certificates(_content(path))
    except ValueError:
        raise UnfitError(
            f"{path} holds no certificate that can be read", "PEM begins with -----BEGIN CERTIFICATE-----"
        ) from None


def read_lists(path: str, authorities: Sequence[x509.Certificate]) -> list[x509.CertificateRevocationList]:
    """The revocation lists in a file, one of each authority. Raises UnfitError."""
    try:
        lists = [x509.load_pem_x509_crl(one[0]) for one in _LIST.finditer(_content(path, _LARGEST_LISTS))]
    except ValueError:
        raise UnfitError(f"{path} holds a list that cannot be read") from None
    for authority in authorities:
        if not any(_is_list_of(authority, one) for one in lists):
            name = authority.subject.rfc4514_string()
            raise UnfitError(
                f"{path} has no list of {name}: nobody that it issued a certificate to could come in",
                "add that authority's list; it may be empty",
            )
    return lists


def _is_list_of(authority: x509.Certificate, one: x509.CertificateRevocationList) -> bool:
    try:
        return one.issuer == authority.subject and one.is_signature_valid(authority.public_key())  # type: ignore[arg-type]
    except TypeError:  # a key of a kind that signs nothing
        return False


def _key(path: str) -> PrivateKeyTypes:
    """The private key in a file. No error quotes anything of it."""
    found = _KEY.search(_content(path))
    if found is None:
        raise UnfitError(f"{path} holds no private key", "name the file that does: key: PATH")
    try:
        return load_pem_private_key(found[0], None)
    except TypeError:
        mend = (
            "HAProxy starts without anybody to ask: take the passphrase off, and let only sumun read the file"
        )
        raise UnfitError(f"the private key in {path} has a passphrase", mend) from None
    except (ValueError, UnsupportedAlgorithm):
        raise UnfitError(f"the private key in {path} cannot be read") from None


def _content(path: str, most: int = _LARGEST) -> bytes:
    try:
        with Path(path).open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise UnfitError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > most:
        raise UnfitError(f"{path} is larger than {most >> 20} MiB")
    return content


def _public(key: PrivateKeyTypes) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def lines(several: Iterable[x509.Certificate | x509.CertificateRevocationList]) -> Iterator[Line]:
    """As they are written into a file."""
    for one in several:
        yield from _text(one.public_bytes(Encoding.PEM))


def key_lines(key: PrivateKeyTypes) -> Iterator[Line]:
    """As it is written into a file that only HAProxy's master reads."""
    yield from _text(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def names_of(certificate: x509.Certificate) -> set[str]:
    """The hosts that a certificate is for, in lower case, `*.` included (RFC 9525 4.1: the subject does not count)."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return set()
    hosts = (host.lower() for host in extension.value.get_values_for_type(x509.DNSName))
    return {*hosts, *map(str, extension.value.get_values_for_type(x509.IPAddress))}


def _text(pem: bytes) -> Iterator[Line]:
    return map(Line, pem.decode("ascii").splitlines())
