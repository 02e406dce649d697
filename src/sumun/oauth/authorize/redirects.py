"""Where a code may be sent. Pure.

RFC 9700 4.1.3: addresses are compared as exact strings. The one exception is the port of a loopback address (RFC 8252
7.3): an app on the person's own machine listens on whatever port is free. It holds for the literals 127.0.0.1 and
[::1], not for `localhost`, which a name server may send elsewhere (8.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# The characters of a URI without a fragment (RFC 3986 2); no longer than a registered one (`config.network`).
_URI = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]{1,2000}")
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::(0|[1-9][0-9]{0,4}))?((?:[/?].*)?)")


def may_be_sent_to(given: str, registered: Iterable[str]) -> bool:
    """Whether this is one of the client's addresses."""
    if _URI.fullmatch(given) is None:
        return False
    return any(one == given or _same_but_port(one, given) for one in registered)


def _same_but_port(registered: str, given: str) -> bool:
    one, other = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(given)
    if one is None or other is None:
        return False
    port = other[2]
    return (one[1], one[3]) == (other[1], other[3]) and (port is None or 0 < int(port) <= 65535)
