"""Between HAProxy's words and ours: question arguments -> Question; Decision -> answer variables.

The names and types are the contract of docs/architecture.md ("The question", "The answer"). This is one of the two
places that know HTTP statuses (the other is `oauth`).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sumun.access import HasPermission, HasRole, InvalidBecause, Reason, Refuse
from sumun.errors import SumunError
from sumun.identity import Credential, CredentialKind

Variables = dict[str, bool | int | str]
"""SPOE variable name (without the prefix) -> value."""

_REALM = 'Bearer realm="sumun"'


class BadQuestionError(SumunError):
    """HAProxy's question lacks an argument or has one of another type: not the configuration we wrote."""

    code = "bad_question"


class Question(Struct, frozen=True, gc=False):
    """What HAProxy asks about one request. `stream` names it in HAProxy when it may stay open for long."""

    generation: int
    route_id: str
    internal: bool
    credential: Credential
    request_id: str
    stream: str | None = None


def read_question(args: Mapping[str, object]) -> Question:
    """Read the arguments of one `ask` message. Raises BadQuestionError."""
    generation = _text(args, "gen")
    if not generation.isascii() or not generation.isdigit():
        raise BadQuestionError("argument gen is not a number")
    listener = _text(args, "lst")
    if listener not in ("public", "internal"):
        raise BadQuestionError("argument lst is neither public nor internal")
    kind = _text(args, "kind")
    stream = None if args.get("stream") is None else _text(args, "stream")
    if kind == "bearer":
        credential = Credential(CredentialKind.BEARER, _text(args, "cred"))
    elif kind == "ticket":
        if stream is None:
            raise BadQuestionError("a ticket for what is no stream")
        credential = Credential(CredentialKind.TICKET, _text(args, "cred"))
    elif kind == "none":
        credential = Credential(CredentialKind.NONE)
    else:
        raise BadQuestionError("argument kind is none of none, bearer and ticket")
    return Question(
        int(generation),
        _text(args, "route"),
        listener == "internal",
        credential,
        _text(args, "id"),
        stream,
    )


def _text(args: Mapping[str, object], name: str) -> str:
    value = args.get(name)
    if not isinstance(value, str):
        raise BadQuestionError(f"argument {name} is missing or not a string")
    return value


def write_refusal(refuse: Refuse) -> Variables:
    """The variables of a refusal: RFC 6750 section 3 for the challenge, one stable code, one sentence.

    What was wrong with a token is for the log (`why`); the caller hears one sentence for all of it.
    """
    match refuse.reason:
        case Reason.NO_CREDENTIAL:
            # RFC 6750 3.1: without any authentication information, no error code.
            return {
                "status": 401,
                "code": "no_credential",
                "title": "This call needs an access token",
                "challenge": _REALM,
            }
        case Reason.INVALID_TOKEN:
            because = refuse.because or InvalidBecause.UNKNOWN
            return _invalid_token("The access token is not valid, has expired or was revoked", because.value)
        case Reason.WRONG_TOKEN_KIND:
            return _invalid_token("This route does not take access tokens of this kind", "wrong_token_kind")
        case Reason.INSUFFICIENT_SCOPE:
            wanted = scope_of(refuse.missing)
            return {
                "status": 403,
                "code": "insufficient_scope",
                "title": f"This call needs {wanted}",
                "challenge": f'{_REALM}, error="insufficient_scope", scope="{wanted}"',
                "why": wanted,
            }
        case Reason.NOT_INTERNAL:
            return {"status": 403, "code": "not_internal", "title": "Not here", "challenge": _REALM}


def write_outage(code: str) -> Variables:
    """The variables of a refusal that is our own fault: 503, never 401 or 403."""
    return {"status": 503, "code": "decision_unavailable", "title": "Not decided; try again", "why": code}


def scope_of(missing: frozenset[HasPermission | HasRole]) -> str:
    """The missing rights as a scope value (RFC 6749 3.3), sorted: `product:create role:admin`."""
    return " ".join(
        sorted(str(m.permission) if isinstance(m, HasPermission) else f"role:{m.role}" for m in missing)
    )


def _invalid_token(sentence: str, why: str) -> Variables:
    return {
        "status": 401,
        "code": "invalid_token",
        "title": sentence,
        "challenge": f'{_REALM}, error="invalid_token", error_description="{sentence}"',
        "why": why,
    }
