"""What can go wrong with HAProxy and its files.

    HAProxyError                     root
    ├── UnquotableError                  a text that no HAProxy file can hold
    ├── RouteTableTooLargeError          routes whose placeholders multiply beyond what fits in memory
    ├── UnusablePathError                a run folder whose path is too long for sockets
    ├── HAProxyMissingError              no HAProxy on this machine
    ├── HAProxyTooOldError               older than what the files are written for
    ├── HAProxyUnfitError                built without something we need
    ├── UnusableAddressError             somebody else listens there, or we may not, or it is another machine's
    ├── TooFewDescriptorsError           more connections are wanted than files may be open
    ├── ReloadRefusedError               the old configuration goes on working
    └── RuntimeSocketError               the stats or master socket did not answer, or said no

The first two are the operator's to mend in the YAML; the others concern the machine.
"""

from __future__ import annotations

from typing import ClassVar

from sumun.errors import SumunError


class HAProxyError(SumunError):
    """HAProxy, or what we write for it, cannot be used as it is."""

    code: ClassVar[str] = "haproxy_error"
    exit_code: ClassVar[int] = 3


class UnquotableError(HAProxyError):
    """A text cannot stand in a HAProxy file: change it in the YAML. The sentence says which characters are in the
    way.
    """

    code: ClassVar[str] = "haproxy_unquotable"
    exit_code: ClassVar[int] = 2


class RouteTableTooLargeError(HAProxyError):
    """The routes' placeholders combine into too many cases. Use fewer templates whose first segment is a
    placeholder.
    """

    code: ClassVar[str] = "route_table_too_large"
    exit_code: ClassVar[int] = 2


class UnusablePathError(HAProxyError):
    """A socket's path is longer than the kernel takes (unix(7): 107 bytes). Use a shorter folder."""

    code: ClassVar[str] = "unusable_path"
    exit_code: ClassVar[int] = 2


class HAProxyMissingError(HAProxyError):
    """There is no HAProxy to start. Install it, or name it in the environment variable HAPROXY."""

    code: ClassVar[str] = "haproxy_missing"


class HAProxyTooOldError(HAProxyError):
    """HAProxy is older than 2.6. Install a newer one."""

    code: ClassVar[str] = "haproxy_too_old"


class HAProxyUnfitError(HAProxyError):
    """HAProxy was built without something the configuration needs. The sentence names it."""

    code: ClassVar[str] = "haproxy_unfit"


class UnusableAddressError(HAProxyError):
    """An address to listen on is another process's or another machine's, or its port is not for us."""

    code: ClassVar[str] = "unusable_address"


class TooFewDescriptorsError(HAProxyError):
    """The process may not open enough files for so many connections. The sentence says how many would do."""

    code: ClassVar[str] = "too_few_descriptors"


class ReloadRefusedError(HAProxyError):
    """HAProxy would not load the new generation; the old one goes on working. The sentence repeats what it said."""

    code: ClassVar[str] = "reload_refused"


class RuntimeSocketError(HAProxyError):
    """HAProxy's stats or master socket did not answer in time, or answered with a refusal."""

    code: ClassVar[str] = "haproxy_runtime_socket"


class HalfSwitchedError(HAProxyError):
    """The routes of the running worker may be those of the new generation, or not, or some of them."""

    code: ClassVar[str] = "half_switched"
