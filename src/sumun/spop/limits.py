"""What one peer may make us hold or do. Each bound has its reason beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sumun.spop.varint import ONE_BYTE

SMALLEST_MAX_FRAME_SIZE: Final = 256
"""SPOE.txt 3.2: "The maximum size supported by peers for a frame must be greater than or equal to 256 bytes"."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one connection.

    max_frame_size    bytes of a frame without the 4 of its length. HAProxy announces `tune.bufsize - 4`, the smaller
                      wins. 65,532 fits a `tune.bufsize` of 64 KiB, four times HAProxy's default.
    max_messages      of one NOTIFY: all messages of one event or group, of which we configure one.
    max_args          of one message. The wire allows 255.
    max_name_bytes    of a message's or an argument's name; up to 239, so that its length is one byte.
    """

    max_frame_size: int = 65_532
    max_messages: int = 8
    max_args: int = 64
    max_name_bytes: int = 64

    def __post_init__(self) -> None:
        """Raise ValueError for a bound that no conversation could keep."""
        if self.max_frame_size < SMALLEST_MAX_FRAME_SIZE:
            raise ValueError(f"max_frame_size is {self.max_frame_size}; SPOE.txt 3.2 asks for 256 or more")
        if self.max_messages < 1 or self.max_args < 1:
            raise ValueError("max_messages and max_args must be at least 1")
        if not 1 <= self.max_name_bytes < ONE_BYTE:
            raise ValueError(f"max_name_bytes is {self.max_name_bytes}; 1 to {ONE_BYTE - 1} are allowed")
