"""Where the gateway listens, and with which certificates."""

from __future__ import annotations

from dataclasses import dataclass, field

from sumun.config.plan.place import NOWHERE, Place


@dataclass(frozen=True, slots=True)
class Address:
    """A TCP address to listen on. `host` is an IP address, without brackets."""

    host: str
    port: int
    where: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """One certificate of a listener: the absolute paths of its chain and of its private key (PEM)."""

    chain: str
    key: str
    where: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class ClientCertificates:
    """Callers are asked for a certificate. `authorities`: the path of those that are believed (PEM); empty: none are.

    `required`: nobody else gets in. `listen`: only there; None: at the listener's own address. `revoked`: the path of
    the authorities' lists (PEM); empty: none are looked at.
    """

    authorities: str
    required: bool
    listen: Address | None
    revoked: str = ""
    where: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS at a listener. `redirect_from`, `hsts_seconds` (None: not told): of the public one only."""

    certificates: tuple[CertificateFiles, ...]
    clients: ClientCertificates | None = None
    redirect_from: Address | None = None
    hsts_seconds: int | None = None
    where: Place = field(default=NOWHERE, compare=False)
