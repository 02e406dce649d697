"""TLS at the listeners: settings -> `plan.Tls`. The files that it names are read later (`rollout.certificates`)."""

from __future__ import annotations

from dataclasses import replace

from sumun.config.document import MappingNode
from sumun.config.findings import Findings
from sumun.config.plan import CertificateFiles, ClientCertificates, Tls
from sumun.config.tls_settings import (
    ClientCertificateSettings,
    PublicClientCertificateSettings,
    PublicTlsSettings,
    TlsSettings,
)


def compile_tls(settings: TlsSettings | None, listener: MappingNode, findings: Findings) -> Tls | None:
    """TLS of the listener whose section has this node. What is wrong goes to the findings."""
    if settings is None:
        return None
    section = listener.mapping("tls")
    nodes = section.items("certificates")
    if not nodes:
        what = "is empty: without a certificate nobody can be sure to talk to this gateway"
        findings.problem(
            section.entries["certificates"].value,
            what,
            "",
            "write [{chain: PATH, key: PATH}], or remove `tls`",
        )
    certificates = tuple(
        CertificateFiles(one.chain, one.key or one.chain, node.place)
        for one, node in zip(settings.certificates, nodes, strict=True)
    )
    clients = _clients(settings.client_certificates, section.mapping("client_certificates"), findings)
    if not isinstance(settings, PublicTlsSettings):
        return Tls(certificates, clients, where=section.place)
    redirect = settings.redirect_from
    return Tls(
        certificates,
        clients,
        redirect and replace(redirect, where=section.place_of("redirect_from")),
        settings.hsts,
        section.place,
    )


def _clients(
    settings: ClientCertificateSettings | None, section: MappingNode, findings: Findings
) -> ClientCertificates | None:
    if settings is None:
        return None
    if settings.required and settings.authorities is None:
        what = "cannot hold without `authorities`: no certificate would be good enough"
        findings.problem(
            section.entries["required"].key, what, "", "write authorities: PATH, or remove `required`"
        )
    if settings.revoked is not None and settings.authorities is None:
        what = "are lists of nobody: there are no `authorities`"
        findings.problem(
            section.entries["revoked"].key, what, "", "write authorities: PATH, or remove `revoked`"
        )
    listen = settings.listen if isinstance(settings, PublicClientCertificateSettings) else None
    listen = listen and replace(listen, where=section.place_of("listen"))
    return ClientCertificates(
        settings.authorities or "", settings.required, listen, settings.revoked or "", section.place
    )
