"""Who a caller of the access log is under another configuration: judged as a live token is (`tokens/judge.py`).

A person holds what the line says: people are data, and a file does not change them. A client that acts for itself
holds what the new configuration gives it, unless its token had rights of its own. A token's scopes are cut to what its
client may carry there.
"""

from __future__ import annotations

from dataclasses import replace

from sumun.access import Evidence, Invalid, InvalidBecause, Profile, Proven, TokenKind
from sumun.config.plan import Plan, Route
from sumun.directory import Directory
from sumun.directory.errors import UnknownClientError, UnknownUserError
from sumun.explain.logged import LoggedCall
from sumun.explain.replay import NotReplayed, Unknown
from sumun.identity import ANYTHING, InvalidSubjectError, Principal, Standing, Subject, SubjectKind
from sumun.node.calls.callers import Callers
from sumun.tokens.judge import ClientState, judge_record
from sumun.tokens.record import TokenRecord

_NEVER = float("inf")
_GONE = NotReplayed("who called is not in the directory any more, and the line does not say what they held")
_UNSAID = NotReplayed(
    "an older sumun wrote the line without what the caller held: --data takes it as it is now"
)
_NOBODY = NotReplayed("the line names nobody as sumun writes it")


class ReplayedCallers:
    """Makes callers under one plan."""

    def __init__(self, plan: Plan, directory: Directory | None = None) -> None:
        """`directory`: where registered clients stand, and whoever a line says too little of."""
        self._plan = plan
        self._directory = directory
        self._today = None if directory is None else Callers(plan, directory)
        self._registered: dict[str, bool] = {}

    def held(self, who: str, client_id: str, profile: Profile) -> Evidence | NotReplayed | Unknown:
        """A caller who held this when it called. Raises OutageError."""
        try:
            subject = Subject.parse(who)
        except InvalidSubjectError:
            return _NOBODY
        if profile.kind is TokenKind.SESSION:
            return _judged(subject, profile, ClientState(client_id, profile.scopes))
        client = self._plan.clients.get(client_id)
        if client is None and self._directory is None:
            return Unknown(
                f"refused (401 invalid_token) unless the client {client_id} is registered: --data tells"
            )
        if client is None and not self._is_registered(client_id):
            return Invalid(InvalidBecause.CLIENT_DISABLED)
        # What a registered client may carry is data: the line's scopes are cut to it already.
        scopes = frozenset({ANYTHING}) if client is None else frozenset(client.scopes)
        return _judged(subject, self._as_of_the_plan(subject, profile), ClientState(client_id, scopes))

    def unsaid(self, line: LoggedCall, route: Route) -> Evidence | NotReplayed:
        """The caller of a line that does not say what it held: as the directory has it now. Raises OutageError."""
        if self._today is None:
            return _UNSAID
        try:
            return self._today.logged(line, route.kinds).evidence
        except (UnknownUserError, UnknownClientError):
            return _GONE
        except InvalidSubjectError:
            return _NOBODY

    def _is_registered(self, client_id: str) -> bool:
        if client_id not in self._registered:
            found = self._directory and self._directory.clients.get(client_id)
            self._registered[client_id] = found is not None
        return self._registered[client_id]

    def _as_of_the_plan(self, subject: Subject, profile: Profile) -> Profile:
        """A client that acts for itself holds what the plan gives it."""
        itself = self._plan.clients.get(subject.id) if subject.kind is SubjectKind.CLIENT else None
        if itself is None or profile.own_rights:
            return profile
        return replace(profile, roles=frozenset(itself.roles), permissions=frozenset(itself.permissions))


def _judged(subject: Subject, profile: Profile, client: ClientState) -> Evidence:
    """What its token proves: claims as they are, a record cut to what its client may carry."""
    rights = (profile.roles, profile.permissions)
    if profile.kind is not TokenKind.OPAQUE:
        principal = Principal(
            subject, "", *rights, profile.scopes, client.client_id, audience=profile.audience
        )
        return Proven(principal, profile.kind, _NEVER)
    record = TokenRecord(
        "",
        subject,
        client.client_id,
        profile.scopes,
        0,
        1,
        0,
        profile.own_rights,
        *rights,
        audience=profile.audience,
    )
    return judge_record(record, Standing(subject, "", *rights, False, 0, 0), client, now=0)
