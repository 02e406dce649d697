"""The one way to write a path: what the gate lets pass, so that nobody behind it can read it otherwise.

RFC 3986 3.3: pchar without `;` (path parameters: services disagree about them) and `*` (ours in the maps). Refused is
percent encoding of what may stand for itself (6.2.2.2), of control characters, `%`, `/`, `;` and backslash, and of what
is no UTF-8 (RFC 3629 4): a lenient reader makes `/` of `%C0%AF` and of `%E0%80%AF`, or lets `%E2` swallow a `/`.
"""

from __future__ import annotations

import re
from typing import Final

_HEX = "[0-9A-Fa-f]"
_TAIL = f"%[89ABab]{_HEX}"
_UTF8 = (
    f"(?:[Cc][2-9A-Fa-f]|[Dd]{_HEX}){_TAIL}"
    f"|[Ee](?:0%[ABab]{_HEX}|[1-9A-CEFa-cef]{_TAIL}|[Dd]%[89]{_HEX}){_TAIL}"
    f"|[Ff](?:0%[9ABab]{_HEX}|[123]{_TAIL}|4%8{_HEX}){_TAIL}{_TAIL}"
)
_ENCODED = rf"%(?:2[0-4689ABCabc]|3[ACEFacef]|40|5[BDEbde]|60|7[BCDbcd]|{_UTF8})"
_PCHAR = rf"(?:[A-Za-z0-9._~!$&\x27()+,=:@-]++|{_ENCODED})"
_SEGMENT = rf"(?!\.{{1,2}}(?![^/?])){_PCHAR}++"

PATH: Final = rf"(?=/)(?:/{_SEGMENT})*+/?+"
"""A canonical path at the beginning of a target, as PCRE2 and `re` write it; possessive, so in one pass."""

_WHOLE = re.compile(PATH)


def is_canonical(path: str) -> bool:
    """Whether the gate lets a path pass on to the routes; what it does not is 400, whatever the routes say."""
    return _WHOLE.fullmatch(path) is not None
