"""What would keep HAProxy from starting, found out before it is started, so that it can be said clearly."""

from __future__ import annotations

import errno
import resource
import socket
from collections.abc import Iterator
from typing import Final

from sumun.config.plan import Address, Plan
from sumun.haproxy.errors import AddressInUseError, TooFewDescriptorsError

# Beside two for each client: listeners, checks, our own sockets, pipes to workers. HAProxy itself counts some 30.
_OTHER_DESCRIPTORS: Final = 100
_FEWEST_CONNECTIONS: Final = 10  # what the configuration allows at least


def refuse_used_addresses(plan: Plan) -> None:
    """Raise AddressInUseError if somebody listens already where HAProxy will, with all that are in use.

    HAProxy would say so too, less clearly. Addresses that cannot be bound for other reasons are left to HAProxy.
    """
    used = [address for address in _addresses(plan) if _is_used(address)]
    if used:
        names = ", ".join(f"{_shown(address)}{_configured_at(address)}" for address in used)
        raise AddressInUseError(
            f"another process listens on {names}; stop it, or let sumun listen on another address"
        )


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


def _is_used(address: Address) -> bool:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def _shown(address: Address) -> str:
    return f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host}:{address.port}"


def _configured_at(address: Address) -> str:
    return f" ({address.where})" if address.where.line else ""
