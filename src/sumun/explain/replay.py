"""What another configuration would do with the calls of an access log. Pure.

    line -> outcome then (by the line alone) -> route by `RouteIndex` -> caller as the line says it
         -> `access.decide()`, once for each caller's rights and route -> outcome now

A line of an asked call says what its caller held, a line of a kept one names it (`access.profile`); the line that says
it may come later. Nothing is looked up and nobody is guessed: what cannot be told is `NotReplayed`, with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sumun.access import (
    Access,
    Allow,
    Decision,
    Evidence,
    Invalid,
    InvalidBecause,
    Missing,
    NotAProfileError,
    Profile,
    Reason,
    Refuse,
    decide,
)
from sumun.config.calls import STATUS_OF, NotServed, rule_of
from sumun.config.plan import Plan, Route
from sumun.config.route_index import RouteIndex
from sumun.explain.logged import LoggedCall, Said
from sumun.explain.requirements import requirement_words

MOST_SETTLED = 100_000
"""Decisions and profiles that are remembered, about 1 KiB each at most."""

_LONGEST = {"m": 20, "host": 255, "path": 1500}  # where HAProxy cuts them (`haproxy/access_log.py`)
_NOT_FOUND, _NOT_ALLOWED = "route_not_found", "method_not_allowed"
_NOT_SERVED = {404: _NOT_FOUND, 405: _NOT_ALLOWED}
STATUSES: Mapping[str, int] = {
    **{Refuse(reason).code: STATUS_OF[reason] for reason in Reason},
    **{code: status for status, code in _NOT_SERVED.items()},
}
"""What the caller is told with each code that a configuration decides."""
_ASKED = frozenset({"ask", "known", "shadow"})
_OWN = frozenset({"own", "pages", "healthz"})


class Kind(StrEnum):
    """What became of a call, or would."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """It depends on something that neither the log nor the configuration tells."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`service`: where an allowed call goes. `status` and `code`: what a refused one is told.

    `detail` is for people: what was missing, or on what an unknown outcome depends.
    """

    kind: Kind
    service: str = ""
    status: int = 0
    code: str = ""
    detail: str = ""

    def __str__(self) -> str:
        """In words."""
        match self.kind:
            case Kind.ALLOWED:
                return "allowed"
            case Kind.REFUSED:
                return f"refused ({self.status} {self.code}{self.detail and f': {self.detail}'})"
            case Kind.UNKNOWN:
                return self.detail

    def is_as(self, other: Outcome) -> bool:
        """The same for the caller: let through to the same service, or refused with the same words."""
        mine = (self.kind, self.service, self.code)
        return self.kind is not Kind.UNKNOWN and mine == (other.kind, other.service, other.code)


@dataclass(frozen=True, slots=True)
class Changed:
    """A call whose outcome would be another. `call` names it as one of its kind: `DELETE /products/{id}`."""

    call: str
    was: Outcome
    becomes: Outcome

    def __str__(self) -> str:
        """In words, behind who calls."""
        if self.was.kind is self.becomes.kind is Kind.ALLOWED:
            services = f"the service {self.becomes.service} instead of {self.was.service}"
            return f"{self.call}: allowed before, would go to {services}"
        return f"{self.call}: {self.was} before, would be {self.becomes}"


@dataclass(frozen=True, slots=True)
class NotReplayed:
    """A line whose call cannot be decided again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """What would become of a caller depends on this: `refused unless ...`."""

    outcome: str


@dataclass(frozen=True, slots=True)
class Later:
    """The line names what the caller held, and no line so far has said what that is."""


UNTOLD = NotReplayed("no line of these logs says what the caller held: give the log before them too")
_LATER, _SAME = Later(), None
_TOO_LONG = NotReplayed("the log holds only the beginning of the call's path")
_UNDECIDED = NotReplayed("it ended before it was decided")
_GARBLED = NotReplayed("the line does not say what the caller held as this sumun writes it")

Judged = Changed | NotReplayed | Later | None
"""None: the outcome would be the same."""


class Callers(Protocol):
    """Who a logged caller is under the new plan."""

    def held(self, who: str, client_id: str, profile: Profile) -> Evidence | NotReplayed | Unknown:
        """A caller who held this when it called."""
        ...

    def unsaid(self, line: LoggedCall, route: Route) -> Evidence | NotReplayed:
        """The caller of a line that does not say: an older sumun wrote it."""
        ...


_Key = tuple[str, str, str, str, bool]


class Replay:
    """Judges one line after the other."""

    def __init__(self, plan: Plan, callers: Callers) -> None:
        """`plan`: the one to try; `callers` must know it too."""
        self._plan = plan
        self._callers = callers
        self._routes = RouteIndex(plan.routes)
        self._profiles: dict[str, Profile] = {}
        self._ids: dict[str, str] = {}
        self._settled: dict[_Key, Outcome | NotReplayed] = {}

    def judge(self, line: LoggedCall) -> Judged:
        """What the plan changes for this call."""
        was = outcome_of(line)
        if isinstance(was, NotReplayed):
            return was
        route = self._routes.serve(line.call)
        if isinstance(route, NotServed):
            becomes = Outcome(Kind.REFUSED, status=route.status, code=_NOT_SERVED[route.status])
            return _SAME if was.is_as(becomes) else Changed(_unserved(line), was, becomes)
        found = self._decided(line, was, route)
        if isinstance(found, NotReplayed | Later):
            return found
        if was.is_as(found):
            return _SAME
        return Changed(f"{line.method} {route.host}{route.path}", was, found)

    def _decided(self, line: LoggedCall, was: Outcome, route: Route) -> Outcome | NotReplayed | Later:
        if route.access is not Access.PROTECTED or was.code == Reason.NO_CREDENTIAL:
            return self._outcome(route, Missing(), internal=line.call.internal)
        if was.code in _OF_CREDENTIALS and line.why in _INVALID:
            return self._outcome(route, Invalid(InvalidBecause(line.why)), internal=False)
        if line.backend.partition(".")[0] not in _ASKED:
            detail = f"asked for {requirement_words(route)}; nobody looked then who called"
            return Outcome(Kind.UNKNOWN, detail=detail)
        return self._of_a_caller(line, route)

    def _of_a_caller(self, line: LoggedCall, route: Route) -> Outcome | NotReplayed | Later:
        profile_id = line.held
        if ";" in profile_id:
            known = self._ids.get(profile_id) or self._learn(profile_id)
            if known is None:
                return _GARBLED
            profile_id = known
        elif profile_id and profile_id not in self._profiles:
            return _LATER
        # A person's rights stand in the profile; a client's own ones may be those of the plan.
        who = line.who if not profile_id or line.who.startswith("client:") else ""
        said = profile_id or f"{line.code} {line.why}"
        key = (said, who, line.client, route.id, line.listener == "internal")
        settled = self._settled.get(key)
        if settled is None:
            if len(self._settled) >= MOST_SETTLED:
                self._settled.clear()
            settled = self._settled[key] = self._settle(line, profile_id, route)
        return settled

    def _learn(self, text: str) -> str | None:
        """Remember what a line says that its caller held; its id, or None when the text says nothing."""
        try:
            profile = Profile.parse(text)
        except NotAProfileError:
            return None
        if len(self._profiles) >= MOST_SETTLED:
            self._profiles.clear()
            self._ids.clear()
        self._profiles[profile.id] = profile
        self._ids[text] = profile.id
        return profile.id

    def _settle(self, line: LoggedCall, profile_id: str, route: Route) -> Outcome | NotReplayed:
        if profile_id:
            evidence = self._callers.held(line.who, line.client, self._profiles[profile_id])
        else:
            evidence = self._callers.unsaid(line, route)
        if isinstance(evidence, NotReplayed):
            return evidence
        if isinstance(evidence, Unknown):
            return Outcome(Kind.UNKNOWN, detail=evidence.outcome)
        return self._outcome(route, evidence, internal=line.call.internal)

    def _outcome(self, route: Route, evidence: Evidence, *, internal: bool) -> Outcome:
        decision = decide(rule_of(route), evidence, self._plan.roles, internal=internal)
        return _told(decision, route)


_INVALID = frozenset(InvalidBecause)
_OF_CREDENTIALS = frozenset({Reason.INVALID_TOKEN, Reason.INVALID_PROOF, Reason.NONCE_WANTED})


def outcome_of(line: LoggedCall) -> Outcome | NotReplayed:
    """What became of a call, by its line alone."""
    if line.listener == "operator" or line.backend in _OWN:
        return NotReplayed("sumun answered it itself: no route is for it")
    if line.said is Said.PREFLIGHT:
        return NotReplayed(
            "a browser asked before it called, and HAProxy answered: nobody is asked who calls"
        )
    if line.code in STATUSES:
        was = Outcome(Kind.REFUSED, status=STATUSES[line.code], code=line.code, detail=line.why)
        return _TOO_LONG if _is_cut(line) else was
    if line.code == "decision_unavailable":
        return NotReplayed("nobody could decide it (503 decision_unavailable)")
    if line.said is Said.LIMIT:
        return NotReplayed(f"a limit was reached ({line.status} {line.code}), whatever the caller held")
    if line.code:
        return NotReplayed(f"the gate refused it, whoever called ({line.status} {line.code})")
    front, _, service = line.backend.partition(".")
    if front == "open" or (front in _ASKED and line.who):
        return _TOO_LONG if _is_cut(line) else Outcome(Kind.ALLOWED, service)
    return _UNDECIDED


def _is_cut(line: LoggedCall) -> bool:
    cut = (("m", line.method), ("host", line.host), ("path", line.path))
    return any(len(text) >= _LONGEST[name] for name, text in cut)


def _told(decision: Decision, route: Route) -> Outcome:
    if isinstance(decision, Allow):
        return Outcome(Kind.ALLOWED, route.service)
    status = STATUS_OF[decision.reason]
    return Outcome(Kind.REFUSED, status=status, code=decision.code, detail=decision.detail)


def _unserved(line: LoggedCall) -> str:
    """A call that no route serves now, by the route that did; there may be countless paths."""
    return f"{line.method} of the route {line.route}" if line.route else f"{line.method} of no route"
