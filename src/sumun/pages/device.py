"""The pages of the device flow (RFC 8628 3.3): the code is typed, then consent (`consent.device_code`), then done."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sumun.pages.frame import Frame, Hidden
from sumun.pages.html import html


class DeviceTrouble(StrEnum):
    """Why the code is asked for again."""

    NONE = ""
    UNKNOWN = "unknown"  # no such code, or over, or used: one sentence for all
    THROTTLED = "throttled"  # with `wait_seconds`
    FORGED = "forged"


@dataclass(frozen=True, slots=True)
class DeviceCodePage:
    """Sent by POST to `action` with `user_code` as typed: in any case, with or without dash and spaces."""

    frame: Frame
    action: str
    hidden: tuple[Hidden, ...]
    code: str = ""
    trouble: DeviceTrouble = DeviceTrouble.NONE
    wait_seconds: int = 0


@dataclass(frozen=True, slots=True)
class DeviceDonePage:
    """What was decided; the device hears of it by itself."""

    frame: Frame
    application: str
    allowed: bool


def render_device_code(page: DeviceCodePage) -> str:
    """The HTML."""
    return html("device_code.html", page)


def render_device_done(page: DeviceDonePage) -> str:
    """The HTML."""
    return html("device_done.html", page)
