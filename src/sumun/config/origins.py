"""The origins that clients know this gateway by: scheme, host and port, as browsers write them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from sumun.config.plan import Route, Tls

RESOURCE_METADATA_PATH: Final = "/.well-known/oauth-protected-resource"
"""RFC 9728 3: under each of our origins."""


def asked_for_certificates_at(issuer: str, tls: Mapping[str, Tls]) -> str:
    """Where callers of the public listener are asked for certificates; empty when they are not."""
    public = tls.get("public")
    if public is None or public.clients is None:
        return ""
    parts = urlsplit(issuer)
    if public.clients.listen is None:
        return f"{parts.scheme}://{parts.netloc}"
    host = parts.netloc.removesuffix(f":{parts.port}")
    port = public.clients.listen.port
    return f"https://{host}" if port == 443 else f"https://{host}:{port}"


def own_origins(
    issuer: str, tls: Mapping[str, Tls], routes: Iterable[Route], others: Iterable[str]
) -> tuple[str, ...]:
    """The issuer's, where certificates are asked for, those of the routes' hosts with the issuer's scheme and port, and
    what is named beside; each once.
    """
    hosts = sorted({route.host for route in routes if route.host})
    named = (_origin(issuer, host) for host in hosts)
    asking = filter(None, (asked_for_certificates_at(issuer, tls),))
    return tuple(dict.fromkeys((_origin(issuer), *asking, *named, *others)))


def resource_metadata_url(issuer: str, host: str) -> str:
    """Where a caller of a route with this host (empty: any) learns whose tokens it takes (RFC 9728 5.1).

    Under an origin of ours, never under the name that a request makes up.
    """
    return f"{_origin(issuer, host)}{RESOURCE_METADATA_PATH}"


def _origin(issuer: str, host: str = "") -> str:
    """Of this host, or else of the issuer."""
    parts = urlsplit(issuer)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}" if host else f"{parts.scheme}://{parts.netloc}"
