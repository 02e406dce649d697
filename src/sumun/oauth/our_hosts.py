"""The hosts where browsers are logged in: the issuer's, and those that routes with sessions name. Pure.

What a browser calls us is the client's to write. A code that brings a session along goes only to an origin that is made
here, of the configuration's own words; scheme and port are the issuer's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sumun.access import TokenKind
from sumun.config.plan import Plan

_LONGEST_PATH = 4000


@dataclass(frozen=True, slots=True)
class OurHosts:
    """`issuer` is an origin without a path. `others` are names of hosts, in lower case."""

    issuer: str
    others: Iterable[str] = ()
    _origins: dict[str, str] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Work the origins out."""
        parts = urlsplit(self.issuer)
        port = f":{parts.port}" if parts.port is not None else ""
        for authority in (parts.netloc.lower(), *(f"{host}{port}" for host in self.others)):
            self._origins[authority] = f"{parts.scheme}://{authority}"

    def origin_of(self, host: str | None) -> str | None:
        """The origin of pages of this host, by the value of the field Host; None: we log nobody in there."""
        return self._origins.get((host or "").lower())

    @property
    def login(self) -> str:
        """The origin where people log in."""
        return next(iter(self._origins.values()))


def session_hosts(plan: Plan) -> frozenset[str]:
    """The hosts that routes with sessions name."""
    return frozenset(route.host for route in plan.routes if route.host and TokenKind.SESSION in route.kinds)


def is_path(text: str) -> bool:
    """Whether a browser that is sent there stays on this host (RFC 3986 4.2; to browsers a backslash is a slash)."""
    return (
        text.startswith("/")
        and not text.startswith(("//", "/\\"))
        and len(text) <= _LONGEST_PATH
        and all("!" <= character <= "~" for character in text)
    )
