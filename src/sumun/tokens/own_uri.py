"""URIs that we are reached under, and how two of them are compared (RFC 9449 4.3, RFC 3986 6.2). Pure.

A proof made for another server must be worth nothing here, whatever host name its sender claims in the request. So the
scheme and host of a call are those of an origin of ours, never those that the request makes up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}
_MOST_CHARACTERS: Final = 8192
_VISIBLE: Final = re.compile(r"[!-~]+")
_ENCODED: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def normal_uri(text: str) -> str | None:
    """`https://host/path` without query and fragment, in the one spelling of RFC 3986 6.2.2 and 6.2.3; None for a text
    that is no http(s) URI, or names a user.
    """
    if len(text) > _MOST_CHARACTERS or _VISIBLE.fullmatch(text) is None:
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown}{_normal_path(parts.path)}"


def _normal_path(path: str) -> str:
    def one(match: re.Match[str]) -> str:
        character = chr(int(match[1], 16))
        return character if character in _UNRESERVED else match[0].upper()

    return _ENCODED.sub(one, path) or "/"


class OwnUris:
    """The URIs of calls that come to us."""

    def __init__(self, origins: Iterable[str]) -> None:
        """`origins` are `https://host[:port]`, without a path; others are not ours."""
        self._by_host: dict[str, str] = {}
        for origin in origins:
            whole = normal_uri(origin)
            if whole is None or not whole.endswith("/") or whole.count("/") != 3:
                raise ValueError(f"{origin!r} is no origin: https://host or https://host:port")
            scheme, _, rest = whole[:-1].partition("://")
            self._by_host.setdefault(rest, whole[:-1])
            # A client may write the port that the scheme has anyway into Host (RFC 9110 7.2).
            if ":" not in rest.rpartition("]")[2]:
                self._by_host.setdefault(f"{rest}:{_PORTS[scheme]}", whole[:-1])

    def uri(self, host: str, path: str) -> str | None:
        """Where a call with this Host and this path came to, as `normal_uri` writes it; None: no host of ours."""
        origin = self._by_host.get(host.lower())
        return None if origin is None else f"{origin}{_normal_path(path)}"
