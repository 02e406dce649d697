"""Our cookies: what they are called, how they are set. Pure.

`__Host-` (RFC 6265bis 4.1.3.2): a browser takes such a cookie only when it is Secure, has no Domain and the path
`/`, so no other host can set or read it. Browsers take Secure cookies from `http://127.0.0.1` and `http://localhost`
too.
"""

from __future__ import annotations

import re
from typing import Final

PREFIX: Final = "__Host-sumun_"
"""Whatever begins so is ours: no service sees it."""

SESSION: Final = PREFIX + "session"
LOGIN: Final = PREFIX + "login"
"""Who began to log in here: what comes back must come back to the same browser."""

LANGUAGE: Final = PREFIX + "language"
"""The language that a person chose on one of our pages."""

_ATTRIBUTES: Final = "; Path=/; Secure; HttpOnly; SameSite=Lax"
# RFC 6265 4.1.1: cookie-octet.
_VALUE: Final = re.compile(r"[!#-+\--:<-\[\]-~]{1,4096}")


def set_cookie(name: str, value: str, max_age_seconds: int | None = None) -> tuple[bytes, bytes]:
    """The header field that sets it: until the browser ends, or for so long. ValueError for what no cookie can hold."""
    if not name.startswith(PREFIX) or _VALUE.fullmatch(value) is None:
        raise ValueError("a cookie of ours has a name of ours, and a value of visible ASCII")
    age = "" if max_age_seconds is None else f"; Max-Age={max_age_seconds}"
    return b"set-cookie", f"{name}={value}{_ATTRIBUTES}{age}".encode("ascii")


def drop_cookie(name: str) -> tuple[bytes, bytes]:
    """The header field that takes it away (RFC 6265 3.1)."""
    return b"set-cookie", f"{name}={_ATTRIBUTES}; Max-Age=0".encode("ascii")
