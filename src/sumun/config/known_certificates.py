"""The certificates that an OAuth client is known by: settings (RFC 8705 2.1.2 and 2.2) -> `plan.KnownCertificates`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from cryptography import x509
from pydantic import Field

from sumun.config.document import MappingNode
from sumun.config.findings import Findings
from sumun.config.plan import CertificateBy, KnownCertificates
from sumun.config.refused import RefusedError
from sumun.config.thumbprints import Thumbprint
from sumun.config.tls_settings import TlsSettings
from sumun.config.values import Marker, Reading, Section, Text, text_of

_DNS = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?)*"
_NAMES = "a distinguished name as RFC 4514 writes it, such as CN=billing,O=Example"


@dataclass(frozen=True, eq=False)
class DistinguishedName(Marker[str]):
    """The subject of a certificate."""

    word: str = "distinguished name"

    def read(self, raw: object, reading: Reading) -> str:
        """The name in one spelling."""
        text = text_of(raw, _NAMES)
        found = _parsed(text)
        if found is None:
            # As `openssl x509 -subject` writes it.
            spaced = _parsed(re.sub(r", +", ",", re.sub(r" = ", "=", text)))
            raise RefusedError("is not a distinguished name", _NAMES, f"write {spaced}" if spaced else "")
        return found


def _parsed(text: str) -> str | None:
    try:
        return x509.Name.from_rfc4514_string(text).rfc4514_string()
    except ValueError:
        return None


@dataclass(frozen=True, eq=False)
class IpAddress(Marker[str]):
    """An IP address."""

    word: str = "IP address"

    def read(self, raw: object, reading: Reading) -> str:
        """The address in its canonical spelling."""
        allowed = 'an IP address, such as 192.0.2.1 or "2001:db8::1"'
        try:
            return str(ipaddress.ip_address(text_of(raw, allowed)))
        except ValueError:
            raise RefusedError("is not an IP address", allowed) from None


class KnownCertificatesSettings(Section):
    """By what a client's certificate is known: one of these."""

    subject_dn: Annotated[str, DistinguishedName()] | None = Field(
        None, description="Its subject, as RFC 4514 writes it.", examples=['"CN=billing,O=Example"']
    )
    san_dns: Annotated[str, Text("DNS name", _DNS, "a DNS name in lower case, without *")] | None = Field(
        None, description="A DNS name among its alternative names.", examples=["billing.example.com"]
    )
    san_uri: Annotated[str, Text("URI", r"[\x21-\x7e]{1,1000}", "a URI")] | None = Field(
        None, description="A URI among its alternative names.", examples=['"spiffe://example.com/billing"']
    )
    san_ip: Annotated[str, IpAddress()] | None = Field(
        None, description="An IP address among its alternative names.", examples=["192.0.2.1"]
    )
    san_email: (
        Annotated[
            str, Text("email address", r"[\x21-\x3f\x41-\x7e]{1,64}@[A-Za-z0-9.-]{1,255}", "an email address")
        ]
        | None
    ) = Field(
        None, description="An email address among its alternative names.", examples=["billing@example.com"]
    )
    thumbprints: list[Annotated[str, Thumbprint()]] = Field(
        [],
        description="These certificates and no others, by their SHA-256, whoever issued them; often the client itself.",
        examples=['["NoAEFjXBZk0ejzL2F-j85_5w_Iuc03zaqkvDAhdnOQo"]'],
    )


def compile_known(
    settings: KnownCertificatesSettings | None,
    client: MappingNode,
    listeners: Iterable[TlsSettings | None],
    findings: Findings,
) -> KnownCertificates | None:
    """How this client's certificates are known. `listeners` are those that it can come to."""
    if settings is None:
        return None
    section = client.mapping("certificate")
    given = [by for by in CertificateBy if getattr(settings, by.value)]
    if len(given) != 1:
        what = "says nothing" if not given else f"says {' and '.join(given)}: which of them has to hold?"
        allowed = f"one of {', '.join(CertificateBy)}"
        findings.problem(
            client.entries["certificate"].key, what, allowed, "" if given else "write san_dns: HOST"
        )
        return None
    (by,) = given
    values = settings.thumbprints if by is CertificateBy.THUMBPRINTS else [getattr(settings, by.value)]
    asking = [tls.client_certificates for tls in listeners if tls and tls.client_certificates]
    if by is not CertificateBy.THUMBPRINTS and asking and not any(one.authorities for one in asking):
        findings.problem_at(
            section.place,
            "",
            "no listener has authorities whose word for a name would be taken",
            "",
            "write tls: {client_certificates: {authorities: PATH}}, or use thumbprints",
        )
    return KnownCertificates(by, tuple(values))


def refuse_unasked(
    key: str, client: MappingNode, listeners: Iterable[TlsSettings | None], findings: Findings
) -> None:
    """A setting about certificates is wrong where no caller is asked for one."""
    if not any(tls and tls.client_certificates for tls in listeners):
        what = "cannot hold: no listener asks callers for certificates"
        findings.problem(client.entries[key].key, what, "", "write tls: {client_certificates: {..}}")
