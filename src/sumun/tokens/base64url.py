"""base64url without padding, read strictly (RFC 7515 2, RFC 4648 3.5): one byte string has one spelling."""

from __future__ import annotations

import base64
import binascii
from typing import Final

# Our alphabet as binascii's; what only its alphabet has (and padding) becomes what neither has.
_AS_BINASCII_READS: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
_PADDING: Final = (b"", b"", b"==", b"=")
# By length modulo 4: what the last character may be, for its trailing bits are zero. None: anything; 1 is no length.
_LAST: Final = (None, "", "AQgw", "AEIMQUYcgkosw048")


def encode(data: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes | None:
    """The bytes, or None for anything but the one canonical spelling.

    Refused: padding, white space, the `+/` alphabet, a length that no byte string has, and trailing bits that are not
    zero (RFC 4648 3.5: they would give one signature several spellings).
    """
    over = len(text) & 3
    last = _LAST[over]
    if last is not None and text[-1] not in last:
        return None
    try:
        padded = text.encode("ascii").translate(_AS_BINASCII_READS) + _PADDING[over]
        return binascii.a2b_base64(padded, strict_mode=True)
    except ValueError:  # binascii.Error and UnicodeEncodeError are
        return None
