"""Every refusal of the SPOP codec.

    SpopError                              root; `status_code` is what AGENT-DISCONNECT carries (SPOE.txt 3.5)
    ├── PeerFaultError                     who wrote to our socket broke the protocol: say why, then close
    │   ├── HelloTimedOutError             2   nothing, or half a HELLO, came in time
    │   ├── FrameTooBigError               3   longer than the agreed max-frame-size
    │   ├── InvalidFrameError              4   not what SPOE.txt 3 allows here
    │   ├── VersionMissingError            5   HELLO without supported-versions
    │   ├── MaxFrameSizeMissingError       6   HELLO without max-frame-size
    │   ├── CapabilitiesMissingError       7   HELLO without capabilities
    │   ├── UnsupportedVersionError        8   HELLO offers no 2.x
    │   ├── BadMaxFrameSizeError           9   HELLO with a max-frame-size below 256
    │   ├── FragmentationError            10   a fragment, which we never said we take
    │   └── OutOfResourcesError           13   more connections than we serve
    └── OurFaultError                     99   a bug on our side: the peer did nothing wrong
        ├── UnencodableError                   a value or a name that SPOP or HAProxy cannot hold
        └── WrongStateError                    a frame that may not be sent now

Codes 1, 11 and 12 have no class: an agent sees an I/O error as a closed socket, never takes fragments that could
interlace, and receives no frame that refers to another. Sentences name lengths, types and positions, never a value: a
value may be somebody's credential.
"""

from __future__ import annotations

from typing import ClassVar

from sumun.errors import SumunError


class SpopError(SumunError):
    """The conversation with HAProxy cannot go on as asked. `status_code` is the SPOP status (SPOE.txt 3.5)."""

    code: ClassVar[str] = "spop_error"
    status_code: ClassVar[int] = 99


class PeerFaultError(SpopError):
    """The peer broke the protocol. Send AGENT-DISCONNECT with `status_code`, then close the socket."""

    code: ClassVar[str] = "spop_peer_fault"


class HelloTimedOutError(PeerFaultError):
    """No whole HAPROXY-HELLO came in time. Only the driver has a clock, so only the driver raises it."""

    code: ClassVar[str] = "spop_hello_timed_out"
    status_code: ClassVar[int] = 2


class FrameTooBigError(PeerFaultError):
    """A frame announces more bytes than max-frame-size. Nothing of it is kept."""

    code: ClassVar[str] = "spop_frame_too_big"
    status_code: ClassVar[int] = 3


class InvalidFrameError(PeerFaultError):
    """A frame is cut short, has bytes left over, is of the wrong kind here, or breaks one of our limits."""

    code: ClassVar[str] = "spop_invalid_frame"
    status_code: ClassVar[int] = 4


class VersionMissingError(PeerFaultError):
    """HAPROXY-HELLO without "supported-versions"."""

    code: ClassVar[str] = "spop_version_missing"
    status_code: ClassVar[int] = 5


class MaxFrameSizeMissingError(PeerFaultError):
    """HAPROXY-HELLO without "max-frame-size"."""

    code: ClassVar[str] = "spop_max_frame_size_missing"
    status_code: ClassVar[int] = 6


class CapabilitiesMissingError(PeerFaultError):
    """HAPROXY-HELLO without "capabilities"."""

    code: ClassVar[str] = "spop_capabilities_missing"
    status_code: ClassVar[int] = 7


class UnsupportedVersionError(PeerFaultError):
    """HAPROXY-HELLO offers no version 2.x, or a list that cannot be read."""

    code: ClassVar[str] = "spop_unsupported_version"
    status_code: ClassVar[int] = 8


class BadMaxFrameSizeError(PeerFaultError):
    """HAPROXY-HELLO announces a max-frame-size below the 256 bytes of SPOE.txt 3.2."""

    code: ClassVar[str] = "spop_bad_max_frame_size"
    status_code: ClassVar[int] = 9


class FragmentationError(PeerFaultError):
    """A fragmented or aborted payload, although AGENT-HELLO did not announce "fragmentation".

    HAProxy 2.6 sends one only without `no option send-frag-payload`; 3.x has no fragmentation.
    """

    code: ClassVar[str] = "spop_fragmentation_not_supported"
    status_code: ClassVar[int] = 10


class OutOfResourcesError(PeerFaultError):
    """One connection more than the listener serves. Only the driver counts, so only the driver raises it."""

    code: ClassVar[str] = "spop_out_of_resources"
    status_code: ClassVar[int] = 13


class OurFaultError(SpopError):
    """A bug on our side. The caller answers the question with no actions, which HAProxy turns into a 503."""

    code: ClassVar[str] = "spop_our_fault"


class UnencodableError(OurFaultError):
    """A value, a name or a whole frame that SPOP, or HAProxy behind it, cannot hold."""

    code: ClassVar[str] = "spop_unencodable"


class WrongStateError(OurFaultError):
    """A frame that may not be sent now: an ACK before the HELLO, a second AGENT-HELLO, anything after the end."""

    code: ClassVar[str] = "spop_wrong_state"
