"""What would keep HAProxy from starting, found out before it is started, so that it can be said clearly."""

from __future__ import annotations

import errno
import resource
import socket
from collections.abc import Iterator
from typing import Final

from sumun.config.plan import Address, Plan
from sumun.haproxy.errors import TooFewDescriptorsError, UnusableAddressError

# Beside two for each client: listeners, checks, our own sockets, pipes to workers. HAProxy itself counts some 30.
_OTHER_DESCRIPTORS: Final = 100
_FEWEST_CONNECTIONS: Final = 10  # what the configuration allows at least


def refuse_unusable_addresses(plan: Plan) -> None:
    """Raise UnusableAddressError if HAProxy could not listen where it will: a sentence for all of the same reason.

    HAProxy would say so too, less clearly. What stops an address otherwise is left to HAProxy.
    """
    why: dict[int, list[Address]] = {}
    for address in _addresses(plan):
        if (reason := _why_not(address)) in _MENDS:
            why.setdefault(reason, []).append(address)
    if why:
        raise UnusableAddressError(
            "; ".join(
                _MENDS[reason].format(", ".join(f"{_shown(one)}{_configured_at(one)}" for one in which))
                for reason, which in why.items()
            )
        )


_MENDS: Final = {
    errno.EADDRINUSE: "another process listens on {}; stop it, or let sumun listen on another address",
    errno.EACCES: "this account may not listen on {}: ports below 1024 want root or CAP_NET_BIND_SERVICE "
    "(AmbientCapabilities= of systemd); give sumun that, or another port",
    errno.EADDRNOTAVAIL: "no network of this machine has {}; `ip address` shows what it has, "
    "and 0.0.0.0 is all of them",
}


def refuse_too_many_connections(connections: int, descriptors: int | None = None) -> None:
    """Raise TooFewDescriptorsError if HAProxy could not serve that many clients at once.

    `descriptors` is how many files a process may open; None: the hard limit of this one (RLIMIT_NOFILE).
    """
    if descriptors is None:
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    possible = (descriptors - _OTHER_DESCRIPTORS) // 2
    if descriptors != resource.RLIM_INFINITY and connections > possible:
        mend = f"write {possible} or less, or " if possible >= _FEWEST_CONNECTIONS else ""
        raise TooFewDescriptorsError(
            f"limits.connections is {connections}, which takes {2 * connections + _OTHER_DESCRIPTORS} open files, "
            f"and a process may have {descriptors} here; {mend}raise that limit (ulimit -n, LimitNOFILE=)"
        )


def _addresses(plan: Plan) -> Iterator[Address]:
    """All that HAProxy will listen on."""
    yield from filter(None, (plan.listen, plan.internal, plan.operator))
    for tls in plan.tls.values():
        yield from filter(None, (tls.redirect_from, tls.clients and tls.clients.listen))


def _why_not(address: Address) -> int:
    """Why the address cannot be bound (errno); 0: it can."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address.host, address.port))
    except OSError as error:
        return error.errno or 0
    return 0


def _shown(address: Address) -> str:
    return f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host}:{address.port}"


def _configured_at(address: Address) -> str:
    return f" ({address.where})" if address.where.line else ""
