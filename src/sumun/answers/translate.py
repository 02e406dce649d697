"""Between HAProxy's words and ours: question arguments -> Question; Decision -> answer variables.

The names and types are the contract of docs/architecture.md ("The question", "The answer"). This is one of the two
places that know HTTP statuses (the other is `oauth`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

from sumun.access import HasPermission, HasRole, InvalidBecause, Reason, Refuse
from sumun.errors import SumunError
from sumun.identity import Credential, CredentialKind
from sumun.spop import Arguments
from sumun.tokens.signatures import NAMES

Variables = dict[str, bool | int | str]
"""SPOE variable name (without the prefix) -> value."""

Told = Variables | bytes
"""An answer; as bytes when it allows and is encoded already (`spop.encode_variables`)."""

_REALM = 'realm="sumun"'
_ALGS = f'algs="{" ".join(NAMES)}"'


CREDENTIAL = "cred"
"""The argument that comes first, when the request has one."""


class BadQuestionError(SumunError):
    """HAProxy's question lacks an argument or has one of another type: not the configuration we wrote."""

    code = "bad_question"


class Call(Struct, frozen=True, gc=False):
    """The request itself: its method, Host and path, and the value of its DPoP header field if it has one."""

    method: str
    host: str
    path: str
    proof: str | None


class Question(Struct, frozen=True, gc=False):
    """What HAProxy asks about one request.

    stream       names it in HAProxy when it may stay open for long
    certificate  the thumbprint of the one with which the connection was made
    span         the number of the span of time in which what is said of a session may be kept; empty for other
                 credentials
    call         what a proof is held against, when the request proves more than that it has a token
    kept         the worker keeps the answer already, and asks because the request is odd
    """

    generation: int
    route_id: str
    internal: bool
    credential: Credential
    stream: str | None = None
    certificate: str | None = None
    span: str = ""
    call: Call | None = None
    kept: bool = False


class Asked(Struct, frozen=True, gc=False):
    """What is asked, but for the credential: the same for many questions."""

    generation: int
    route_id: str
    internal: bool
    kind: CredentialKind
    stream: str | None
    certificate: str | None
    span: str
    kept: bool


def read_question(args: Mapping[str, object]) -> Question:
    """Read the arguments of one `ask` or `ask-proving` message. Raises BadQuestionError."""
    if isinstance(args, Arguments) and args.first_name == CREDENTIAL:
        secret, others = args.first, args.others
        asked = others.reading
        if not isinstance(asked, Asked):
            asked = others.reading = _read_others(others)
    else:
        asked = _read_others(args)
        secret = "" if asked.kind is CredentialKind.NONE else _text(args, CREDENTIAL)
    return Question(
        asked.generation,
        asked.route_id,
        asked.internal,
        Credential(asked.kind, secret),
        asked.stream,
        asked.certificate,
        asked.span,
        _call(args) if asked.kind is CredentialKind.DPOP else None,
        asked.kept,
    )


def _read_others(args: Mapping[str, object]) -> Asked:
    generation, route_id, internal = _where(args.get("gen"), args.get("route"), args.get("lst"))
    kind = _KINDS.get(args.get("kind"))
    if kind is None:
        raise BadQuestionError("argument kind is none of none, bearer, dpop, session and ticket")
    stream = _maybe(args, "stream")
    if kind is CredentialKind.TICKET and stream is None:
        raise BadQuestionError("a ticket for what is no stream")
    return Asked(
        generation,
        route_id,
        internal,
        kind,
        stream,
        _maybe(args, "cert"),
        _text(args, "span") if kind is CredentialKind.SESSION else "",
        args.get("kept") is True,
    )


_KINDS: dict[object, CredentialKind] = {kind.value: kind for kind in CredentialKind}


@lru_cache(maxsize=4096)
def _where(generation: object, route: object, listener: object) -> tuple[int, str, bool]:
    """Generation, route id, and whether it is the internal listener: few, and asked about again and again."""
    if not isinstance(generation, str) or not generation.isascii() or not generation.isdigit():
        raise BadQuestionError("argument gen is not a number")
    if not isinstance(route, str):
        raise BadQuestionError("argument route is missing or not a string")
    if listener not in ("public", "internal"):
        raise BadQuestionError("argument lst is neither public nor internal")
    return int(generation), route, listener == "internal"


def _call(args: Mapping[str, object]) -> Call:
    return Call(_text(args, "method"), _text(args, "host"), _text(args, "path"), _maybe(args, "proof"))


def _maybe(args: Mapping[str, object], name: str) -> str | None:
    return None if args.get(name) is None else _text(args, name)


def _text(args: Mapping[str, object], name: str) -> str:
    value = args.get(name)
    if not isinstance(value, str):
        raise BadQuestionError(f"argument {name} is missing or not a string")
    return value


def write_refusal(refuse: Refuse, *, dpop: bool = False, metadata: str = "") -> Variables:
    """The variables of a refusal: RFC 6750 section 3 for the challenge, one stable code, one sentence.

    `dpop`: the call came with the scheme DPoP, and is answered with a challenge of that scheme (RFC 9449 7.1). What was
    wrong with a token is for the log (`why`); the caller hears one sentence for all of it. `metadata`: the URL at which
    it is published whose tokens are taken (RFC 9728 5.1).
    """
    told = _refusal(refuse, dpop=dpop)
    if metadata:
        told["challenge"] = f'{told["challenge"]}, resource_metadata="{metadata}"'
    return told


def _refusal(refuse: Refuse, *, dpop: bool) -> Variables:
    match refuse.reason:
        case Reason.NO_CREDENTIAL:
            # RFC 6750 3.1: without any authentication information, no error code.
            return {
                "status": 401,
                "code": "no_credential",
                "title": "This call needs an access token",
                "challenge": _challenge(dpop=False),
            }
        case Reason.INVALID_TOKEN:
            sentence = "The access token is not valid, has expired or was revoked"
            return _unauthorized(refuse, sentence, dpop=dpop)
        case Reason.INVALID_PROOF:
            return _unauthorized(refuse, "The DPoP proof is not valid for this call", dpop=True)
        case Reason.NONCE_WANTED:
            return _unauthorized(
                refuse, "The DPoP proof needs the nonce that comes with this answer", dpop=True
            )
        case Reason.WRONG_TOKEN_KIND:
            return _unauthorized(refuse, "This route does not take access tokens of this kind", dpop=dpop)
        case Reason.INSUFFICIENT_SCOPE:
            wanted = scope_of(refuse.missing)
            return {
                "status": 403,
                "code": "insufficient_scope",
                "title": f"This call needs {wanted}",
                "challenge": _challenge("insufficient_scope", f'scope="{wanted}"', dpop=dpop),
                "why": wanted,
            }
        case Reason.NOT_INTERNAL:
            return {
                "status": 403,
                "code": "not_internal",
                "title": "Not here",
                "challenge": _challenge(dpop=dpop),
            }


def write_outage(code: str) -> Variables:
    """The variables of a refusal that is our own fault: 503, never 401 or 403."""
    return {"status": 503, "code": "decision_unavailable", "title": "Not decided; try again", "why": code}


def scope_of(missing: frozenset[HasPermission | HasRole]) -> str:
    """The missing rights as a scope value (RFC 6749 3.3), sorted: `product:create role:admin`."""
    return " ".join(
        sorted(str(m.permission) if isinstance(m, HasPermission) else f"role:{m.role}" for m in missing)
    )


def _unauthorized(refuse: Refuse, sentence: str, *, dpop: bool) -> Variables:
    challenge = _challenge(refuse.code, f'error_description="{sentence}"', dpop=dpop)
    if refuse.because is InvalidBecause.BINDING_FAILED and not dpop:
        # RFC 9449 7.2: who sent a bound token as Bearer is told that there is another scheme.
        challenge = f"{challenge}, DPoP {_ALGS}"
    return {
        "status": 401,
        "code": refuse.code,
        "title": sentence,
        "challenge": challenge,
        "why": refuse.detail or InvalidBecause.UNKNOWN.value,
    }


def _challenge(error: str = "", more: str = "", *, dpop: bool) -> str:
    """RFC 6750 3, RFC 9449 7.1."""
    words = (_REALM, f'error="{error}"' if error else "", more, _ALGS if dpop else "")
    return f"{'DPoP' if dpop else 'Bearer'} {', '.join(word for word in words if word)}"
