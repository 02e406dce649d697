"""Resource indicators (RFC 8707): for which services an access token is to be. Pure.

A client names services by `resource`, as often as it likes; a service is named in the configuration (`audience`). The
gateway as a whole has names too, `tokens.audience` and its origins (as clients learn them by RFC 9728), if they are no
service's: a token that is asked for with one, or without any name, is for every service. What was granted for some
services is never widened (2.2).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from sumun.oauth.errors import InvalidTargetError
from sumun.oauth.messages import Form

RESOURCE: Final = "resource"
MAX_RESOURCES: Final = 10
"""Each stands in the token, and in each line of the access log."""


class Resources:
    """The services of one configuration by their names."""

    def __init__(self, services: Collection[str], whole: str, origins: Collection[str] = ()) -> None:
        """`whole` is the gateway's own name, `origins` are others (RFC 3986 6.2.3: a `/` behind is the same)."""
        self._services = frozenset(services)
        others = {spelling for origin in origins for spelling in (origin, f"{origin}/")}
        self._whole = frozenset({whole, *(others - self._services)})

    def asked(self, form: Form) -> frozenset[str]:
        """What a form asks for; empty: nothing was asked. Raises InvalidTargetError."""
        named = form.get(RESOURCE)
        return frozenset() if named is None else self.known(named.split(" "))

    def known(self, names: Iterable[str]) -> frozenset[str]:
        """These names. Raises InvalidTargetError: one of them is nobody's."""
        wanted = frozenset(names)
        if len(wanted) > MAX_RESOURCES:
            raise InvalidTargetError(f"more than {MAX_RESOURCES} resources")
        if not wanted <= self._services | self._whole:
            raise InvalidTargetError("a resource is not known here")
        return wanted

    def audience(self, asked: frozenset[str], granted: frozenset[str] = frozenset()) -> frozenset[str]:
        """Whom a token is for: what was asked for within what was granted; empty: the whole gateway.

        Raises InvalidTargetError.
        """
        if not asked:
            return granted
        wanted = frozenset() if self._whole & asked else asked
        if granted and (not wanted or not wanted <= granted):
            raise InvalidTargetError("a resource is more than was granted")
        return wanted
