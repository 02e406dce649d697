"""The header fields that every page goes with. Pure.

Content-Security-Policy (CSP 3): nothing but our own stylesheet and pictures; no script, no style and no handler in the
page; forms go to ourselves; nobody frames us (clickjacking). A browser applies `form-action` to every redirect that
follows a form, so a page whose form ends at an application names that application's origin.

Referrer-Policy is `same-origin`, not `no-referrer`: under the latter browsers send `Origin: null` with our own forms
(Fetch 3.2.4), and `oauth.csrf` could not tell them from forged ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

Headers = tuple[tuple[bytes, bytes], ...]


def page_headers(form_targets: Iterable[str] = (), *, script: bool = False) -> Headers:
    """`form_targets`: redirect URIs that a form of the page may end at. `script`: the page has our one script."""
    targets = " ".join(("'self'", *sorted({form_target(uri) for uri in form_targets})))
    policy = [
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        f"form-action {targets}",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
    if script:
        policy.append("script-src 'self'")
    return (
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", "; ".join(policy).encode("ascii")),
        (b"cache-control", b"no-store"),
        (b"pragma", b"no-cache"),
        (b"referrer-policy", b"same-origin"),
        (b"x-frame-options", b"DENY"),  # for browsers older than frame-ancestors
        (b"x-robots-tag", b"noindex"),
        (b"cross-origin-resource-policy", b"same-origin"),
    )


def form_target(uri: str) -> str:
    """The source expression (CSP 3, 2.3.1) of a redirect URI that was checked.

    An origin where it can be said; the scheme where it cannot: an application's own (`com.example.app:`), and an IPv6
    address, for which the grammar of host-source has no form.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or parts.netloc.startswith("["):
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
