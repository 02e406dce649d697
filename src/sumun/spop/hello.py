"""HELLO: the first frame each way, and what both sides keep to after it (SPOE.txt 3.2.1, 3.2.4, 3.2.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sumun.spop.errors import (
    BadMaxFrameSizeError,
    CapabilitiesMissingError,
    InvalidFrameError,
    MaxFrameSizeMissingError,
    UnsupportedVersionError,
    VersionMissingError,
)
from sumun.spop.frames import FrameType, encode_frame, start_of_items
from sumun.spop.key_values import KeyValues, encode_key_values
from sumun.spop.limits import SMALLEST_MAX_FRAME_SIZE
from sumun.spop.typed_data import DataType, encode_integer, encode_value

VERSION: Final = "2.0"
_MAJOR: Final = 2

PIPELINING: Final = "pipelining"
"""ACKs may come in any order, on the connection of their NOTIFY."""

ASYNC: Final = "async"
"""ACKs may come on any connection of the engine. HAProxy 2.6 offers it under `option async`; 3.1 forgot it."""


@dataclass(frozen=True, slots=True)
class HaproxyHello:
    """HAPROXY-HELLO: what HAProxy offers. A health check wants one AGENT-HELLO and nothing else."""

    supported_versions: str
    max_frame_size: int
    capabilities: frozenset[str]
    healthcheck: bool = False
    engine_id: str = ""


@dataclass(frozen=True, slots=True)
class AgentHello:
    """AGENT-HELLO: what both sides keep to from here on. `max_frame_size` counts bytes without the 4 of the length."""

    version: str
    max_frame_size: int
    capabilities: frozenset[str]


def negotiate(offer: HaproxyHello, max_frame_size: int, capabilities: frozenset[str]) -> AgentHello:
    """Our answer to `offer`: version 2.0, the smaller frame size, the capabilities both sides have.

    Raises UnsupportedVersionError when no 2.x is offered. Any will do: "When a major version is announced by HAProxy,
    it means it also support all previous minor versions" (3.2.4).
    """
    if not any(_major(version) == _MAJOR for version in offer.supported_versions.split(",")):
        raise UnsupportedVersionError(f"HAPROXY-HELLO offers no version {_MAJOR}.x, the only one we speak")
    return AgentHello(VERSION, min(offer.max_frame_size, max_frame_size), offer.capabilities & capabilities)


def _major(version: str) -> int | None:
    """The major number of "Major.Minor", None when it is not written so."""
    major, dot, minor = version.strip().partition(".")
    numbers = major + minor
    if dot and numbers.isascii() and major.isdigit() and minor.isdigit() and len(numbers) <= 8:
        return int(major)
    return None


def decode_haproxy_hello(data: bytes, start: int, end: int) -> HaproxyHello:
    """The HAPROXY-HELLO in `data[start:end]`.

    Raises VersionMissingError, MaxFrameSizeMissingError and CapabilitiesMissingError for the three items that must be
    there; BadMaxFrameSizeError for a size below 256 or below this very frame's; and what `frames` says of all decoders.
    """
    items = KeyValues(data, start_of_items(data, start, end), end)
    versions = items.get("supported-versions", str)
    if versions is None:
        raise VersionMissingError('HAPROXY-HELLO has no "supported-versions"')
    max_frame_size = items.get("max-frame-size", int)
    if max_frame_size is None:
        raise MaxFrameSizeMissingError('HAPROXY-HELLO has no "max-frame-size"')
    if max_frame_size < max(SMALLEST_MAX_FRAME_SIZE, end - start):
        raise BadMaxFrameSizeError(
            f"max-frame-size is {max_frame_size}; it must be {SMALLEST_MAX_FRAME_SIZE} or more, "
            f"and not less than the {end - start} bytes of the HELLO itself"
        )
    capabilities = items.get("capabilities", str)
    if capabilities is None:
        raise CapabilitiesMissingError('HAPROXY-HELLO has no "capabilities"')
    return HaproxyHello(
        versions,
        max_frame_size,
        _split(capabilities),
        items.get("healthcheck", bool) or False,
        items.get("engine-id", str) or "",
    )


def encode_haproxy_hello(hello: HaproxyHello) -> bytes:
    """The HAPROXY-HELLO frame, its items in HAProxy's order."""
    items = [
        ("supported-versions", encode_value(hello.supported_versions)),
        ("max-frame-size", encode_integer(hello.max_frame_size, DataType.UINT32)),
        ("capabilities", encode_value(_join(hello.capabilities))),
    ]
    if hello.engine_id:
        items.append(("engine-id", encode_value(hello.engine_id)))
    if hello.healthcheck:
        items.append(("healthcheck", encode_value(True)))
    return encode_frame(FrameType.HAPROXY_HELLO, encode_key_values(*items))


def decode_agent_hello(data: bytes, start: int, end: int) -> AgentHello:
    """The AGENT-HELLO in `data[start:end]`."""
    items = KeyValues(data, start_of_items(data, start, end), end)
    version = items.get("version", str)
    max_frame_size = items.get("max-frame-size", int)
    capabilities = items.get("capabilities", str)
    if version is None or max_frame_size is None or capabilities is None:
        raise InvalidFrameError('AGENT-HELLO lacks "version", "max-frame-size" or "capabilities"')
    return AgentHello(version, max_frame_size, _split(capabilities))


def encode_agent_hello(hello: AgentHello) -> bytes:
    """The AGENT-HELLO frame."""
    return encode_frame(
        FrameType.AGENT_HELLO,
        encode_key_values(
            ("version", encode_value(hello.version)),
            ("max-frame-size", encode_integer(hello.max_frame_size, DataType.UINT32)),
            ("capabilities", encode_value(_join(hello.capabilities))),
        ),
    )


def _split(capabilities: str) -> frozenset[str]:
    """The words of "a comma-separated list of capabilities [...]. Spaces must be ignored, if any" (3.2.4)."""
    return frozenset(word for part in capabilities.split(",") if (word := part.strip()))


def _join(capabilities: frozenset[str]) -> str:
    return ",".join(sorted(capabilities, reverse=True))  # "pipelining,async", the order of HAProxy 2.6
