"""The origins that clients know this gateway by: scheme, host and port, as browsers write them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from sumun.config.plan import Route, Tls


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
    parts = urlsplit(issuer)
    port = f":{parts.port}" if parts.port else ""
    hosts = sorted({route.host for route in routes if route.host})
    named = (f"{parts.scheme}://{host}{port}" for host in hosts)
    asking = filter(None, (asked_for_certificates_at(issuer, tls),))
    return tuple(dict.fromkeys((f"{parts.scheme}://{parts.netloc}", *asking, *named, *others)))
