"""TLS at a listener: the words of its `bind` lines, and the names of the files that they refer to.

The files hold what the configuration named when the generation was made (`rollout.certificates`), so a generation is
whole whatever becomes of those files, and a renewed certificate is another generation.

Certificates of clients: whoever sends one has proven that the private key is theirs, whatever the certificate says
(TLS 1.3: RFC 8446 4.4.3). Handshakes succeed with any (`crt-ignore-err`, `ca-ignore-err`), for a certificate that a
client signed itself is as good as another where its thumbprint is known (RFC 8705 2.2). What an authority says of
somebody counts only with `VERIFIED`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from sumun.config.plan import Address, Tls
from sumun.haproxy.quoting import word

PRIVATE_SUFFIX: Final = ".key.pem"
"""Ends the names of the files that hold a private key: only HAProxy's master, which is root, may read them."""

CERTIFICATE_HEADER: Final = "X-Sumun-Client-Certificate"
"""To our own pages: `verification;certificate`: X509_V_* as a number (0: an authority of ours vouches for it) or `-`
when there is no authority, and the certificate's DER in base64."""

MOST_CERTIFICATE_BYTES: Final = 4096
"""DER of a client certificate that our own pages are told. One with an RSA key of 4096 bits has some 2,000."""

_MOST_TEXT_BYTES: Final = -(-MOST_CERTIFICATE_BYTES // 3) * 4
REWRITE_BYTES: Final = _MOST_TEXT_BYTES + 64
"""Room in a buffer for that header."""

THUMBPRINT: Final = "ssl_c_der,sha2(256),ub64enc"
"""RFC 8705 3.1 `x5t#S256`: base64url of the SHA-256 of the DER, without padding."""

_HAS_CERTIFICATE: Final = "{ ssl_c_used }"
_SMALL: Final = f"{{ ssl_c_der,base64 -m len le {_MOST_TEXT_BYTES} }}"

# Mozilla, "Server Side TLS" 5.7, intermediate, without DHE: no client needs it, and it needs parameters.
_CIPHERS: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
)
_CIPHERSUITES: Final = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")


def certificate_name(listener: str, number: int) -> str:
    """The file of a listener's certificate with its chain and key; the first is for callers that ask for no name."""
    return f"{listener}.{number}{PRIVATE_SUFFIX}"


def authorities_name(listener: str) -> str:
    """The file of the authorities that may vouch for a listener's clients."""
    return f"{listener}.authorities.pem"


def revoked_name(listener: str) -> str:
    """The file of the certificates that those authorities take back."""
    return f"{listener}.revoked.pem"


def global_lines(tls: Mapping[str, Tls]) -> list[str]:
    """Lines of the section `global`, if any listener speaks TLS."""
    if not tls:
        return []
    return [
        # Tickets are encrypted by a key that lives as long as the process (RFC 9325 3.3 wants it changed): sessions are
        # resumed from HAProxy's own memory instead.
        "ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets",
        f"ssl-default-bind-ciphers {':'.join(_CIPHERS)}",
        f"ssl-default-bind-ciphersuites {':'.join(_CIPHERSUITES)}",
        # A session that began at one listener can be resumed at another, which takes the certificate and the verdict on
        # it along, unlooked-at (seen in 2.6 and 3.4): what one listener's authorities vouch for would be good at all.
        *(["tune.ssl.cachesize 0"] if len(tls) > 1 and asks_for_certificates(tls, tls) else []),
    ]


def binds(listener: str, address: Address, tls: Tls | None) -> list[str]:
    """The `bind` lines of a listener."""
    if tls is None:
        return [f"bind {_where(address)}"]
    crts = " ".join(f"crt {certificate_name(listener, number)}" for number in range(len(tls.certificates)))
    words = f"ssl {crts} alpn h2,http/1.1"
    if tls.clients is None:
        return [f"bind {_where(address)} {words}"]
    asked = f"{words} {_asks(listener, tls)}"
    if tls.clients.listen is None:
        return [f"bind {_where(address)} {asked}"]
    return [f"bind {_where(address)} {words}", f"bind {_where(tls.clients.listen)} {asked}"]


def _asks(listener: str, tls: Tls) -> str:
    """The words by which a certificate is asked for.

    The names of authorities are not sent (RFC 8446 4.2.4): many a client would keep one of its own making back.
    """
    assert tls.clients is not None  # noqa: S101  the caller looked
    # HAProxy wants somebody to believe before it asks; who believes nobody names itself, and looks at no verdict.
    authorities = authorities_name(listener) if tls.clients.authorities else certificate_name(listener, 0)
    words = f"ca-file {authorities} no-ca-names"
    if tls.clients.revoked:
        words += f" crl-file {revoked_name(listener)}"
    if tls.clients.required:
        return f"{words} verify required"
    return f"{words} verify optional crt-ignore-err all ca-ignore-err all"


def hsts(tls: Tls | None) -> list[str]:
    """RFC 6797 6.1; what a service says about its host stays."""
    if tls is None or tls.hsts_seconds is None:
        return []
    said = f"http-after-response set-header Strict-Transport-Security max-age={tls.hsts_seconds}"
    return [f"{said} unless {{ res.hdr(strict-transport-security) -m found }}"]


def tell_scheme(tls: Mapping[str, Tls]) -> list[str]:
    """Line of a backend: a service learns that its caller came by TLS. What the client said of it is gone (`gate`)."""
    return ["http-request set-header X-Forwarded-Proto https if { ssl_fc }"] if tls else []


def tell_certificate(tls: Mapping[str, Tls]) -> list[str]:
    """Lines of a backend of our own pages: the caller's certificate, whole, because what names somebody in it is to be
    read there.
    """
    lines = []
    for listener, one in tls.items():
        if one.clients is not None:
            verified = "%[ssl_c_verify]" if one.clients.authorities else "-"
            lines.append(
                f"http-request set-header {CERTIFICATE_HEADER} {verified};%[ssl_c_der,base64] "
                f"if {{ fe_name {listener} }} {_HAS_CERTIFICATE} {_SMALL}"
            )
    return lines


def asks_for_certificates(tls: Mapping[str, Tls], listeners: Iterable[str] = ("public", "internal")) -> bool:
    """Whether callers of services may have one."""
    return any(tls[name].clients is not None for name in listeners if name in tls)


def _where(address: Address) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    return word(f"{host}:{address.port}")
