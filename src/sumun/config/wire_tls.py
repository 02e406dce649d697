"""TLS of a plan as plain values, and back (`wire`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from sumun.config.plan import Address, CertificateFiles, ClientCertificates, Place, Tls

WritePlace: TypeAlias = Callable[[Place], Any]
ReadPlace: TypeAlias = Callable[[Any], Place]


def dump_tls(tls: Mapping[str, Tls], place: WritePlace) -> dict[str, Any]:
    """By listener."""
    return {listener: _dumped(one, place) for listener, one in tls.items()}


def _dumped(tls: Tls, place: WritePlace) -> dict[str, Any]:
    def address(one: Address | None) -> dict[str, Any] | None:
        if one is None:
            return None
        return {"host": one.host, "port": one.port, "where": place(one.where)}

    clients = tls.clients
    return {
        "certificates": [
            {"chain": one.chain, "key": one.key, "where": place(one.where)} for one in tls.certificates
        ],
        "clients": clients
        and {
            "authorities": clients.authorities,
            "required": clients.required,
            "listen": address(clients.listen),
            "revoked": clients.revoked,
            "where": place(clients.where),
        },
        "redirect_from": address(tls.redirect_from),
        "hsts_seconds": tls.hsts_seconds,
        "where": place(tls.where),
    }


def load_tls(rows: Mapping[str, Any], place: ReadPlace) -> Mapping[str, Tls]:
    """By listener."""
    return MappingProxyType({listener: _loaded(row, place) for listener, row in rows.items()})


def _loaded(row: dict[str, Any], place: ReadPlace) -> Tls:
    def address(one: dict[str, Any] | None) -> Address | None:
        return None if one is None else Address(**_placed(one, place))

    clients = row["clients"]
    return Tls(
        certificates=tuple(CertificateFiles(**_placed(one, place)) for one in row["certificates"]),
        clients=clients
        and ClientCertificates(**_placed(clients, place) | {"listen": address(clients["listen"])}),
        redirect_from=address(row["redirect_from"]),
        hsts_seconds=row["hsts_seconds"],
        where=place(row["where"]),
    )


def _placed(row: dict[str, Any], place: ReadPlace) -> dict[str, Any]:
    return row | {"where": place(row["where"])}
