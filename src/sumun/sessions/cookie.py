"""Our cookies: what they are called, how they are set (`access.handover`: why so). Pure."""

from __future__ import annotations

import re
from typing import Final

from sumun.access.handover import LANGUAGE_COOKIE, OUR_COOKIES, SESSION_COOKIE

SESSION: Final = SESSION_COOKIE
LOGIN: Final = OUR_COOKIES + "login"
"""Who began to log in here: what comes back must come back to the same browser."""

LANGUAGE: Final = LANGUAGE_COOKIE

_ATTRIBUTES: Final = "; Path=/; Secure; HttpOnly; SameSite=Lax"
# RFC 6265 4.1.1: cookie-octet.
_VALUE: Final = re.compile(r"[!#-+\--:<-\[\]-~]{1,4096}")


def set_cookie(name: str, value: str, max_age_seconds: int | None = None) -> tuple[bytes, bytes]:
    """The header field that sets it: until the browser ends, or for so long. ValueError for what no cookie can hold."""
    if not name.startswith(OUR_COOKIES) or _VALUE.fullmatch(value) is None:
        raise ValueError("a cookie of ours has a name of ours, and a value of visible ASCII")
    age = "" if max_age_seconds is None else f"; Max-Age={max_age_seconds}"
    return b"set-cookie", f"{name}={value}{_ATTRIBUTES}{age}".encode("ascii")


def drop_cookie(name: str) -> tuple[bytes, bytes]:
    """The header field that takes it away (RFC 6265 3.1)."""
    return b"set-cookie", f"{name}={_ATTRIBUTES}; Max-Age=0".encode("ascii")
