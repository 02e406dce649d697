"""base64url without padding, read strictly (RFC 7515 2, RFC 4648 3.5): one byte string has one spelling."""

from __future__ import annotations

import base64
import binascii
import re

_TEXT = re.compile(r"[A-Za-z0-9_-]*")


def encode(data: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes | None:
    """The bytes, or None for anything but the one canonical spelling.

    Refused: padding, white space, the `+/` alphabet, a length that no byte string has, and trailing bits that are not
    zero (RFC 4648 3.5: they would give one signature several spellings).
    """
    if _TEXT.fullmatch(text) is None or len(text) % 4 == 1:
        return None
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    return data if encode(data) == text else None
