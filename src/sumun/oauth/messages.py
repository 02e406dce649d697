"""What clients send in the body of a POST, read strictly. Bytes in; a Form out, or a refusal. Sans-IO.

RFC 6749 section 3.2 and Appendix B: `application/x-www-form-urlencoded` in UTF-8, every parameter at most once, one
without a value as if it had been left out. Anything doubtful is refused, never guessed at: two readers that guess
differently are an attack.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote_to_bytes

from sumun.oauth.errors import BodyTooLargeError, InvalidRequestError, UnsupportedMediaTypeError

# The largest honest request carries two signed tokens (RFC 8693, at most 4 KiB each), or a SAML assertion with its
# certificates (RFC 7522, some tens of KiB). 64 KiB holds either, and a thousand callers at once hold 64 MiB.
MAX_BODY_BYTES = 64 * 1024
# The request of any grant has less than 20 parameters; splitting costs time and memory for each.
MAX_PARAMETERS = 64
# A consent page sends one for each box that is ticked: as many as a configuration may have words for, and then some.
MAX_BOXES = 1024

Form = Mapping[str, str]
"""Parameter name -> value, neither of them empty."""

# RFC 8707 2 and RFC 8693 2.1 let these repeat. Their values then stand together, apart by a space, which no URI has.
_MAY_REPEAT = frozenset({"resource", "audience"})

_MEDIA_TYPE = re.compile(
    rb'application/x-www-form-urlencoded(?:[ \t]*;[ \t]*charset="?utf-8"?)?', re.IGNORECASE
)
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# RFC 6749 Appendix A allows a tab in a password (UNICODECHARNOCRLF) and no other control character anywhere.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ufffe\uffff]")


def read_form(content_types: Sequence[bytes], body: bytes, most: int = MAX_PARAMETERS) -> Form:
    """Read a body of at most so many parameters. `content_types`: the values of all Content-Type headers there are.

    Raises UnsupportedMediaTypeError, BodyTooLargeError, InvalidRequestError.
    """
    refuse_other_bodies(content_types, body)
    form: dict[str, str] = {}
    for key, value in read_pairs(body, most):
        if key in _MAY_REPEAT and value:
            form[key] = f"{form[key]} {value}" if key in form else value
            continue
        if key in form:
            # RFC 6749 3.2: "Request and response parameters MUST NOT be included more than once."
            raise InvalidRequestError("a parameter is there more than once")
        form[key] = value
    # RFC 6749 3.2: "Parameters sent without a value MUST be treated as if they were omitted from the request."
    return {key: value for key, value in form.items() if value}


def refuse_other_bodies(content_types: Sequence[bytes], body: bytes) -> None:
    """Raises UnsupportedMediaTypeError, BodyTooLargeError: it is no form, or none that is honest."""
    if len(content_types) != 1 or _MEDIA_TYPE.fullmatch(content_types[0]) is None:
        raise UnsupportedMediaTypeError("the body is to be application/x-www-form-urlencoded in UTF-8")
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLargeError(f"the body is larger than {MAX_BODY_BYTES} bytes")


def read_pairs(encoded: bytes, most: int = MAX_PARAMETERS) -> list[tuple[str, str]]:
    """The parameters of a form or of a query in their order, repeated ones and empty values too.

    Raises InvalidRequestError.
    """
    if _BAD_PERCENT.search(encoded):
        raise InvalidRequestError("a percent sign is not followed by two hexadecimal digits")
    pairs = encoded.replace(b"+", b" ").split(b"&", most)
    if len(pairs) > most:
        raise InvalidRequestError(f"more than {most} parameters")
    read: list[tuple[str, str]] = []
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        if not pair:
            continue  # WHATWG URL 5.1: `a=1&` and `a=1&&b=2` hold an empty sequence, which is nothing
        key = _text(name)
        if not key:
            raise InvalidRequestError("a parameter has no name")
        read.append((key, _text(value)))
    return read


def _text(encoded: bytes) -> str:
    raw = unquote_to_bytes(encoded) if b"%" in encoded else encoded
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequestError("a parameter is not UTF-8") from None
    if _CONTROL.search(text):
        raise InvalidRequestError("a parameter has a control character")
    return text
