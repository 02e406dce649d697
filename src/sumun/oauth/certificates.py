"""The certificate that a request came with: to prove a client by, and to bind tokens to (RFC 8705)."""

from __future__ import annotations

from sumun.config.plan import ClientKind
from sumun.directory.client import RegisteredClient
from sumun.haproxy.tls import CERTIFICATE_HEADER
from sumun.login.client_certificate import ShownCertificate, read_shown
from sumun.oauth.errors import InvalidGrantError, InvalidRequestError
from sumun.oauth.exchange import Request
from sumun.tokens.binding import is_to_certificate, to_certificate

_HEADER = CERTIFICATE_HEADER.lower().encode()


def shown_certificate(request: Request) -> ShownCertificate | None:
    """What HAProxy says of the connection; None without a certificate. Raises BadCertificateWordsError."""
    return read_shown(request.one(_HEADER))


def proved_certificate(request: Request) -> frozenset[str]:
    """What the request proves by its connection, as `bound_to` (`tokens.binding.held`)."""
    shown = shown_certificate(request)
    return frozenset() if shown is None else frozenset({to_certificate(shown.thumbprint)})


def certificate_binding(request: Request, client: RegisteredClient, before: str) -> str:
    """What a new token for this client is bound to (3): its certificate, or what the grant says, or nothing.

    `before`: what the grant is bound to already, as a refresh token is. A public client cannot come with another
    certificate then (section 4); one that proves itself may have renewed it (sections 6.3 and 7.1).

    Raises InvalidRequestError, InvalidGrantError.
    """
    proved = proved_certificate(request)
    if client.kind is ClientKind.PUBLIC and is_to_certificate(before) and before not in proved:
        raise InvalidGrantError("this grant is bound to a certificate that the request came without")
    if client.certificate is None and not client.certificate_bound:
        return before
    if not proved:
        raise InvalidRequestError(
            "tokens for this client are bound to a certificate, and the request came without one"
        )
    (binding,) = proved
    return binding
