"""What the kernel lets our processes have."""

from __future__ import annotations

import resource

_DESCRIPTORS = 65536


def set_limits() -> None:
    """Our parts inherit this: a descriptor for each connection that HAProxy has with them, and no core dumps, for in
    memory are keys and passwords in clear.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    usual, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if most == resource.RLIM_INFINITY else min(most, _DESCRIPTORS)
    if usual not in (resource.RLIM_INFINITY, most) and usual < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
