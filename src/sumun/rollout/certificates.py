"""The files of TLS: what the configuration names, looked at, and put into the generation.

Copied, so that a generation is whole whatever becomes of those files. What is wrong with them is told at the place that
names them. A certificate that has run out is no reason not to start: what is wrong then is what clients see anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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

from sumun.config import Plan
from sumun.config.network import host_of
from sumun.config.plan import CertificateFiles, Note, Place, Tls
from sumun.config.problems import Problem
from sumun.haproxy.sections import File, Line
from sumun.haproxy.tls import authorities_name, certificate_name

SOON: Final = timedelta(days=14)
"""A certificate that ends within this time has a note. Those of ACME are renewed some 30 days before."""

_LARGEST: Final = 1 << 20
_KEY: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Material:
    """`outlived`: what the files are too old or too young for; a running gateway lives with it."""

    files: tuple[File, ...] = ()
    problems: tuple[Problem, ...] = ()
    outlived: tuple[Problem, ...] = ()
    notes: tuple[Note, ...] = ()


class _UnfitError(Exception):
    """What is wrong with a file; `mend`: what to do about it."""

    def __init__(self, what: str, mend: str = "") -> None:
        self.what, self.mend = what, mend


def read_material(plan: Plan, now: datetime) -> Material:
    """What the listeners of this plan need. `now` has a zone."""
    reader = _Reader(now)
    for listener, tls in plan.tls.items():
        reader.read(listener, tls)
    public = plan.tls.get("public")
    if public is not None and not reader.problems:
        reader.look_for_name(host_of(plan.tokens.issuer), public.where)
    return Material(tuple(reader.files), tuple(reader.problems), tuple(reader.outlived), tuple(reader.notes))


class _Reader:
    """Reads one file after the other, and gathers what is wrong."""

    def __init__(self, now: datetime) -> None:
        self.files: list[File] = []
        self.problems: list[Problem] = []
        self.outlived: list[Problem] = []
        self.notes: list[Note] = []
        self._now = now
        self._names: set[str] = set()

    def read(self, listener: str, tls: Tls) -> None:
        for number, one in enumerate(tls.certificates):
            try:
                chain, key = _pair(one)
            except _UnfitError as error:
                self.problems.append(Problem(one.where, "", error.what, "", error.mend))
                continue
            self._look_at_time(chain[0], one.chain, one.where)
            if listener == "public":
                self._names |= _names(chain[0])
            self.files.append(File(certificate_name(listener, number), (*_pem(chain), *_lines(key))))
        clients = tls.clients
        if clients is not None and clients.authorities:
            try:
                authorities = _certificates(clients.authorities)
            except _UnfitError as error:
                self.problems.append(Problem(clients.where, "", error.what, "", error.mend))
                return
            for authority in authorities:
                self._look_at_time(authority, clients.authorities, clients.where)
            self.files.append(File(authorities_name(listener), tuple(_pem(authorities))))

    def look_for_name(self, host: str, where: Place) -> None:
        """Note when no certificate of the public listener is for the host by which clients know the gateway."""
        covered = {host, f"*.{host.partition('.')[2]}"}
        if not covered & self._names:
            self.notes.append(
                Note(where, f"no certificate is for {host}, the host of the issuer: clients refuse it")
            )

    def _look_at_time(self, certificate: x509.Certificate, path: str, where: Place) -> None:
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if self._now > ends:
            what = f"the certificate in {path} ran out on {ends:%Y-%m-%d at %H:%M} UTC"
            self.outlived.append(Problem(where, "", what, "", "put a renewed one there, then `sumun reload`"))
        elif self._now < begins:
            what = f"the certificate in {path} is not good before {begins:%Y-%m-%d at %H:%M} UTC"
            self.outlived.append(Problem(where, "", what, "", "look at this machine's clock"))
        elif ends - self._now < SOON:
            self.notes.append(
                Note(where, f"the certificate in {path} runs out on {ends:%Y-%m-%d at %H:%M} UTC")
            )


def _pair(one: CertificateFiles) -> tuple[list[x509.Certificate], PrivateKeyTypes]:
    """Chain and key of a certificate, once they belong together."""
    chain = _certificates(one.chain)
    key = _key(one.key)
    if _public(key) != _spki(chain[0]):
        if any(_public(key) == _spki(other) for other in chain[1:]):
            raise _UnfitError(
                f"the first certificate in {one.chain} is not the one of the key in {one.key}, a later one is",
                "put it first; those that lead from it to an authority stand behind it",
            )
        raise _UnfitError(
            f"the key in {one.key} does not belong to the certificate in {one.chain}",
            "name the key that the certificate was made for",
        )
    return chain, key


def _certificates(path: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_content(path))
    except ValueError:
        raise _UnfitError(
            f"{path} holds no certificate that can be read", "PEM begins with -----BEGIN CERTIFICATE-----"
        ) from None


def _key(path: str) -> PrivateKeyTypes:
    """The private key in a file. No error quotes anything of it."""
    found = _KEY.search(_content(path))
    if found is None:
        raise _UnfitError(f"{path} holds no private key", "name the file that does: key: PATH")
    try:
        return load_pem_private_key(found[0], None)
    except TypeError:
        mend = (
            "HAProxy starts without anybody to ask: take the passphrase off, and let only sumun read the file"
        )
        raise _UnfitError(f"the private key in {path} has a passphrase", mend) from None
    except (ValueError, UnsupportedAlgorithm):
        raise _UnfitError(f"the private key in {path} cannot be read") from None


def _content(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise _UnfitError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST:
        raise _UnfitError(f"{path} is larger than {_LARGEST >> 20} MiB")
    return content


def _public(key: PrivateKeyTypes) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _pem(certificates: Sequence[x509.Certificate]) -> Iterator[Line]:
    for one in certificates:
        yield from _text(one.public_bytes(Encoding.PEM))


def _lines(key: PrivateKeyTypes) -> Iterator[Line]:
    yield from _text(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _names(certificate: x509.Certificate) -> set[str]:
    """The hosts that a certificate is for, in lower case, `*.` included (RFC 9525 4.1: the subject does not count)."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return set()
    hosts = (host.lower() for host in extension.value.get_values_for_type(x509.DNSName))
    return {*hosts, *map(str, extension.value.get_values_for_type(x509.IPAddress))}


def _text(pem: bytes) -> Iterator[Line]:
    return map(Line, pem.decode("ascii").splitlines())
