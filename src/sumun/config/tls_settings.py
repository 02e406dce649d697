"""The settings of TLS at a listener: certificates of the gateway, and certificates of clients."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sumun.config.network import Listen
from sumun.config.plan import Address
from sumun.config.values import Duration, FilePath, Section
from sumun.config.words import Switch


class CertificateSettings(Section):
    """One certificate of the gateway."""

    chain: Annotated[str, FilePath()] = Field(
        description="The certificate and, behind it, those that lead from it to an authority (PEM).",
        examples=["/etc/sumun/fullchain.pem"],
    )
    key: Annotated[str, FilePath()] | None = Field(
        None,
        description="Its private key (PEM), without a passphrase.",
        examples=["/etc/sumun/privkey.pem"],
        json_schema_extra={"without": "in the file of `chain`"},
    )


class ClientCertificateSettings(Section):
    """Certificates of clients."""

    authorities: Annotated[str, FilePath()] | None = Field(
        None,
        description="Certificates (PEM) of the authorities that issue certificates to clients. Without it no "
        "certificate says who somebody is; it can still be one that a client is known by.",
        examples=["/etc/sumun/clients-ca.pem"],
        json_schema_extra={"without": "no authority"},
    )
    revoked: Annotated[str, FilePath()] | None = Field(
        None,
        description="The authorities' lists of revoked certificates (PEM), one of each. What stands in one, or was "
        "issued by an authority whose list is out of date, is vouched for by nobody.",
        examples=["/etc/sumun/revoked.pem"],
        json_schema_extra={"without": "nobody is asked"},
    )
    required: Switch = Field(
        False,
        description="Nobody comes in here without a certificate of these authorities.",
        examples=["true"],
    )


class PublicClientCertificateSettings(ClientCertificateSettings):
    """Certificates of clients at the public listener."""

    listen: Annotated[Address, Listen()] | None = Field(
        None,
        description="An address of its own for callers with certificates; at the other nobody is asked for one. A "
        "browser that is asked may ask its user.",
        examples=['"0.0.0.0:8443"'],
        json_schema_extra={"without": "the listener's own"},
    )


class TlsSettings(Section):
    """TLS at a listener."""

    certificates: list[CertificateSettings] = Field(
        description="Its certificates. A caller gets the one for the name that it asks for, otherwise the first.",
        examples=["[{chain: /etc/sumun/fullchain.pem, key: /etc/sumun/privkey.pem}]"],
    )
    client_certificates: ClientCertificateSettings | None = Field(
        None,
        description="Callers are asked for a certificate, with which OAuth clients can say who they are.",
    )


class PublicTlsSettings(TlsSettings):
    """TLS at the public listener."""

    client_certificates: PublicClientCertificateSettings | None = Field(
        None,
        description="Callers are asked for a certificate, with which OAuth clients can say who they are.",
    )
    hsts: Annotated[int, Duration("0s", "730d", seconds=True)] | None = Field(
        None,
        description="Browsers use nothing but TLS for this host for so long after each answer "
        "(`Strict-Transport-Security`, RFC 6797). `0s` tells them to forget it.",
        examples=["180d"],
        json_schema_extra={"without": "they are not told"},
    )
    redirect_from: Annotated[Address, Listen()] | None = Field(
        None,
        description="Where callers without TLS are sent to the address with it. Only GET and HEAD without "
        "credentials are; the rest is refused.",
        examples=['"0.0.0.0:80"'],
        json_schema_extra={"without": "nobody listens there"},
    )
