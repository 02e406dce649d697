"""The files of TLS: what the configuration names, looked at, and put into the generation.

Copied, so that a generation is whole whatever becomes of those files. What is wrong with them is told at the place that
names them. A certificate that has run out is no reason not to start: what is wrong then is what clients see anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

from sumun.config import Plan
from sumun.config.network import host_of
from sumun.config.plan import CertificateFiles, ClientCertificates, Note, Place
from sumun.config.problems import Problem
from sumun.haproxy.sections import File
from sumun.haproxy.tls import authorities_name, certificate_name, revoked_name
from sumun.rollout.pem_files import (
    UnfitError,
    key_lines,
    lines,
    names_of,
    read_certificates,
    read_lists,
    read_pair,
)

SOON: Final = timedelta(days=14)
"""A certificate that ends within this time has a note. Those of ACME are renewed some 30 days before."""


@dataclass(frozen=True, slots=True)
class Material:
    """`outlived`: what the files are too old or too young for; a running gateway lives with it."""

    files: tuple[File, ...] = ()
    problems: tuple[Problem, ...] = ()
    outlived: tuple[Problem, ...] = ()
    notes: tuple[Note, ...] = ()


def read_material(plan: Plan, now: datetime) -> Material:
    """What the listeners of this plan need. `now` has a zone."""
    reader = _Reader(now)
    for listener, tls in plan.tls.items():
        for number, certificate in enumerate(tls.certificates):
            reader.certificate(listener, number, certificate)
        if tls.clients is not None and tls.clients.authorities:
            reader.authorities(listener, tls.clients)
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

    def certificate(self, listener: str, number: int, named: CertificateFiles) -> None:
        try:
            chain, key = read_pair(named)
        except UnfitError as error:
            self._unfit(named.where, error)
            return
        self._look_at_time(chain[0], named.chain, named.where)
        if listener == "public":
            self._names |= names_of(chain[0])
        self.files.append(File(certificate_name(listener, number), (*lines(chain), *key_lines(key))))

    def authorities(self, listener: str, clients: ClientCertificates) -> None:
        try:
            found = read_certificates(clients.authorities)
            revoked = read_lists(clients.revoked, found) if clients.revoked else []
        except UnfitError as error:
            self._unfit(clients.where, error)
            return
        for authority in found:
            self._look_at_time(authority, clients.authorities, clients.where)
        self.files.append(File(authorities_name(listener), tuple(lines(found))))
        if clients.revoked:
            self._look_at_lists(revoked, clients)
            self.files.append(File(revoked_name(listener), tuple(lines(revoked))))

    def look_for_name(self, host: str, where: Place) -> None:
        """Note when no certificate of the public listener is for the host by which clients know the gateway."""
        if not {host, f"*.{host.partition('.')[2]}"} & self._names:
            text = f"no certificate is for {host}, the host of the issuer: clients refuse it"
            self.notes.append(Note(where, text))

    def _unfit(self, where: Place, error: UnfitError) -> None:
        self.problems.append(Problem(where, "", error.what, "", error.mend))

    def _look_at_time(self, certificate: x509.Certificate, path: str, where: Place) -> None:
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if self._now > ends:
            what = f"the certificate in {path} ran out on {_at(ends)}"
            self.outlived.append(Problem(where, "", what, "", "put a renewed one there, then `sumun reload`"))
        elif self._now < begins:
            what = f"the certificate in {path} is not good before {_at(begins)}"
            self.outlived.append(Problem(where, "", what, "", "look at this machine's clock"))
        elif ends - self._now < SOON:
            self.notes.append(Note(where, f"the certificate in {path} runs out on {_at(ends)}"))

    def _look_at_lists(
        self, revoked: Sequence[x509.CertificateRevocationList], clients: ClientCertificates
    ) -> None:
        for one in revoked:
            ends = one.next_update_utc
            if ends is not None and self._now > ends:
                name = one.issuer.rfc4514_string()
                what = f"the list of {name} in {clients.revoked} ran out on {_at(ends)}: it vouches for nobody now"
                mend = "put a newer one there, then `sumun reload`"
                self.outlived.append(Problem(clients.where, "", what, "", mend))


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d at %H:%M} UTC"
