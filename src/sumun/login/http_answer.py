"""What an authentication server says, read strictly. Bytes in; one of three answers out, or BadAnswerError.

The contract is docs/authentication-server.md. There is no fourth answer and no extra member: a server that says more
than who it is (a token, for one) misunderstands its part, and what it says is not used. Sans-IO.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from sumun.errors import SumunError
from sumun.identity.subject import NAME_PATTERN
from sumun.tokens.strict_json import parse_object

# A name, and room for every role somebody may have: 64 roles of 64 characters, escaped, fit.
MAX_ANSWER_BYTES = 16 * 1024
MAX_ROLES = 64


class BadAnswerError(SumunError):
    """The server's answer is not one of the contract. `str()` says why and quotes nothing of it."""

    code = "bad_answer"


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="outcome", tag="accepted"):
    """The proof is good and this is who it proves. `subject` is the server's name for the account."""

    subject: Annotated[str, msgspec.Meta(pattern=rf"^(?:{NAME_PATTERN})\Z")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=256)] = ""
    roles: Annotated[
        list[Annotated[str, msgspec.Meta(max_length=64)]], msgspec.Meta(max_length=MAX_ROLES)
    ] = []


class Refused(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="outcome", tag="rejected"):
    """The proof is not good. `reason` are the words of `RejectedBecause`."""

    reason: Literal["bad_credentials", "disabled", "expired"]


class Unknown(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="outcome", tag="not_mine"):
    """The server does not know the account."""


Answer = Accepted | Refused | Unknown
_JSON = re.compile(r'application/json(?:[ \t]*;[ \t]*charset="?utf-8"?)?', re.IGNORECASE)


def read_answer(status: int, content_type: str, body: bytes) -> Answer:
    """Read one answer. Raises BadAnswerError for everything but the three of the contract."""
    if status != 200:
        raise BadAnswerError(f"status {status}; every answer of the contract is 200")
    if _JSON.fullmatch(content_type) is None:
        raise BadAnswerError("its content type is not application/json")
    if len(body) > MAX_ANSWER_BYTES:
        raise BadAnswerError(f"it is larger than {MAX_ANSWER_BYTES} bytes")
    members = parse_object(body)
    if members is None:
        raise BadAnswerError("it is not one JSON object (RFC 8259), each member once")
    try:
        answer: Answer = msgspec.convert(members, Answer)
    except msgspec.ValidationError as error:
        # msgspec names the member and the type it should have, and quotes no value but an unknown name or tag.
        raise BadAnswerError(f"it is none of the three of the contract: {str(error)[:200]!a}") from None
    return answer
