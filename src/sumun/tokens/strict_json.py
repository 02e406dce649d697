"""One JSON object, read strictly: no name twice, no fraction, no number that is none, no deep nest, nothing but UTF-8.

RFC 7515 4 and RFC 7519 4 let a parser refuse a duplicate name or take the last; two readers that choose differently are
an attack, so here a duplicate is refused.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

_MOST_BRACKETS = 200
"""Of `[` and `{` together, in texts too: a cheap bound on depth (RFC 8259 9). How deep Python itself would go depends
on its version, and our parts may run on several. A token of 4 KiB holds about ten.
"""

# An escaped half of a surrogate pair is no text (RFC 8259 8.2): it can be written nowhere, not even into a log.
_HALF: Final = re.compile(rb"\\u[dD][89a-fA-F]")


class _RefusedError(ValueError):
    pass


def parse_object(data: bytes) -> dict[str, Any] | None:
    """The object, or None when `data` is not exactly one strict JSON object. Never raises."""
    if data.count(b"[") + data.count(b"{") > _MOST_BRACKETS:
        return None
    try:
        found = _DECODER.decode(data.decode("utf-8", "strict"))
        if _HALF.search(data):
            json.dumps(found, ensure_ascii=False).encode("utf-8", "strict")
    except (
        ValueError,
        RecursionError,
    ):  # UnicodeDecodeError, JSONDecodeError, _RefusedError, too many digits
        return None
    return found if isinstance(found, dict) else None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _RefusedError("a name stands twice")
    return found


def _refuse(text: str) -> NoReturn:
    raise _RefusedError(f"not a whole number: {text[:20]}")


def _whole(text: str) -> int:
    # 2**53 - 1 has 16 digits: RFC 8259 6 calls that the range on which everybody agrees.
    return int(text) if len(text) <= 17 else _refuse(text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_refuse, parse_constant=_refuse, parse_int=_whole
)
