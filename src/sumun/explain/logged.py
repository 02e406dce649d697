"""What a line of the access log tells: who refused a request, why, and of whom.

The fields are those of `haproxy/access_log.py`; `-` stands for what is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

from sumun.config.calls import Call, bare_host
from sumun.errors import SumunError

NOT_KNOWN = "-"


class NotALineError(SumunError):
    """A line of the log is not one of ours."""

    code = "not_a_log_line"


class Said(StrEnum):
    """Who gave the answer."""

    HAPROXY = "haproxy"
    """HAProxy refused alone; nobody was asked who calls."""
    LIMIT = "limit"
    """HAProxy refused alone, because too many calls had come before."""
    DECISION = "decision"
    """`decide()` refused, now or in a decision that HAProxy kept."""
    OUTAGE = "outage"
    """Nobody could decide."""
    SERVICE = "service"
    """The call was let through, and the service answered."""
    NO_SERVICE = "no_service"
    """The call was let through, and the service did not answer as it should."""
    OWN = "own"
    """sumun's own pages: tokens, health, metrics."""
    PREFLIGHT = "preflight"
    """HAProxy told a browser that pages of another origin may call."""


_DECIDED = frozenset(
    {
        "no_credential",
        "invalid_token",
        "invalid_dpop_proof",
        "use_dpop_nonce",
        "insufficient_scope",
        "not_internal",
    }
)
_OUTAGE = "decision_unavailable"
_LIMITED = frozenset({"too_many_requests", "quota_used_up"})
_OWN = frozenset({"own", "pages", "healthz"})

_WHY_ALONE: Mapping[str, str] = {
    "bad_request_target": "its path or query is not canonical (`//`, `..`, needless escapes, a token in the query)",
    "bad_header": "one of its header fields is not acceptable",
    "bad_host": "its Host header is missing or no host name",
    "two_credentials": "it carries more than one credential",
    "origin_not_allowed": "a page of an origin that the service does not list (`websocket.origins`) opened a "
    "WebSocket, or a page of another host used the cookie of a session",
    "cross_origin_not_allowed": "a browser asked whether a page may call, and the service lists no such origin "
    "(`cors.origins`)",
    "tls_required": "it came without TLS where others are sent on to https, and wrote something or had a credential",
    "not_a_websocket": "its ticket opens WebSockets only, and the service answered with something else",
    "route_not_found": "no route has this host and path on this listener",
    "method_not_allowed": "the path is served, and not for this method",
    "header_too_large": "its credential is longer than `limits.token_size`",
}
_WHY_LIMITED: Mapping[str, str] = {
    "per_source": "its address had made as many calls as `limits.per_source` allows",
    "per_person": "the person had made as many calls as `limits.per_person` allows",
    "per_client": "the client had made as many calls as `limits.per_client` allows",
    "route": "the caller had made as many calls as the `limit` of the route allows",
    "quota": "the client had made as many calls that day as its `quota` allows",
}
_WHY_DECIDED: Mapping[str, str] = {
    "no_credential": "it carried no credential, and the route needs one",
    "invalid_token": "its token was not accepted",
    "invalid_dpop_proof": "its DPoP proof was not accepted",
    "use_dpop_nonce": "its DPoP proof had no nonce that is still good; clients ask again with the one they are told",
    "insufficient_scope": "its token was good, and not enough",
    "not_internal": "the route is for callers on the internal listener",
}
_WHY_NO_SERVICE: Mapping[int, str] = {
    408: "the request did not come in time",
    413: "the request was too large",
    500: "HAProxy could not handle it",
    502: "the service did not answer as HTTP wants it",
    503: "there was no connection to the service",
    504: "the service was silent for too long",
}


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """One line, read. `began` is unix seconds; texts that are not known are empty."""

    id: str
    began: float
    listener: str
    method: str
    host: str
    path: str
    route: str
    backend: str
    status: int
    code: str
    why: str
    who: str
    client: str
    end: str
    held: str = ""
    shadow: str = ""

    @property
    def call(self) -> Call:
        """The call as routes see it."""
        return Call(self.method, self.path, bare_host(self.host), self.listener == "internal")

    @property
    def said(self) -> Said:
        """Who gave the answer."""
        if self.code in _LIMITED:
            return Said.LIMIT
        if self.backend in _OWN:
            return Said.OWN
        if self.backend.startswith("preflight.") and not self.code:
            return Said.PREFLIGHT
        if self.code in _DECIDED:
            return Said.DECISION
        if self.code == _OUTAGE:
            return Said.OUTAGE
        if self.code or self.backend == "refuse":
            return Said.HAPROXY
        broken = self.status in _WHY_NO_SERVICE and self.end != "--"
        return Said.NO_SERVICE if broken else Said.SERVICE


class _Row(msgspec.Struct, gc=False):
    """A line as HAProxy writes it. What has a default came with a later sumun."""

    t: float
    id: str
    lst: str
    m: str
    host: str
    path: str
    route: str
    be: str
    st: int
    code: str
    why: str
    who: str
    client: str
    end: str
    held: str = NOT_KNOWN
    shadow: str = NOT_KNOWN


_ROW = msgspec.json.Decoder(_Row)


def decode_line(line: bytes) -> LoggedCall:
    """One line of the file as a value. Raises NotALineError."""
    try:
        return _call(_ROW.decode(line))
    except msgspec.DecodeError:
        raise NotALineError("this is no line of an access log") from None


def read_line(fields: Mapping[str, Any]) -> LoggedCall:
    """A line's fields as a value. Raises NotALineError."""
    try:
        return _call(msgspec.convert(fields, _Row))
    except msgspec.ValidationError:
        raise NotALineError("the log's line lacks a field: another sumun wrote it") from None


def _call(row: _Row) -> LoggedCall:
    return LoggedCall(
        id=row.id,
        began=row.t,
        listener=row.lst,
        method=_known(row.m),
        host=_known(row.host),
        path=_known(row.path),
        route=_known(row.route),
        backend=_known(row.be),
        status=row.st,
        code=_known(row.code),
        why=_known(row.why),
        who=_known(row.who),
        client=_known(row.client),
        end=row.end,
        held=_known(row.held),
        shadow=_known(row.shadow),
    )


def _known(text: str) -> str:
    return "" if text == NOT_KNOWN else text


def happened(line: LoggedCall) -> list[str]:
    """What happened, in words."""
    when = datetime.fromtimestamp(line.began, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    by = f" by {line.who}" if line.who else ""
    through = f" through the client {line.client}" if line.client else ""
    call = f"{line.method} {line.path or '(no path)'}"
    lines = [f"{call}{by}{through} at {when}, listener {line.listener}: {_outcome(line)}"]
    if line.route:
        lines.append(f"its route was {line.route}")
    return lines


def _outcome(line: LoggedCall) -> str:
    match line.said:
        case Said.HAPROXY:
            known = _WHY_ALONE.get(line.code, "HAProxy could not read or handle it")
            return f"HAProxy refused it with {_named(line)}, before anybody was asked: {known}"
        case Said.LIMIT:
            known = _WHY_LIMITED.get(line.why, "too many calls had come before")
            return f"HAProxy refused it with {_named(line)}: {known}"
        case Said.DECISION:
            return (
                f"the decision was to refuse it with {_named(line)}: {_WHY_DECIDED[line.code]}{_detail(line)}"
            )
        case Said.OUTAGE if line.why:
            return f"refused with {_named(line)}: a neighbour was away ({line.why}), so nobody could decide"
        case Said.OUTAGE:
            return f"HAProxy refused it with {_named(line)}: nobody decided in time"
        case Said.NO_SERVICE:
            why = _WHY_NO_SERVICE[line.status]
            return f"it was not refused, and HAProxy answered {line.status} (ended {line.end}): {why}"
        case Said.OWN:
            return f"sumun answered it itself with {_named(line)}{_detail(line)}"
        case Said.PREFLIGHT:
            service = line.backend.partition(".")[2]
            return (
                f"HAProxy answered it with {line.status} for {service}: a browser asked whether a page of "
                "another origin may call, and `cors.origins` lists it"
            )
        case Said.SERVICE:
            return f"it was let through, and the service answered {line.status}"


def _named(line: LoggedCall) -> str:
    return f"{line.status} {line.code}" if line.code else str(line.status)


def _detail(line: LoggedCall) -> str:
    if line.code == "insufficient_scope":
        return f"; missing was {line.why}" if line.why else ""
    return f" ({line.why})" if line.why else ""
