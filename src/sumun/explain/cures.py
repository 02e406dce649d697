"""Cure: what somebody would have to do so that a refused call is allowed, as sentences and as commands.

A command changes what the remedy names and nothing else. Where no command can do it (a configured client, the scopes of
a token that is out), the sentence says where to change what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sumun.access import InvalidBecause, Proven, Reason, Refuse, TokenKind
from sumun.access.remedy import Remedy
from sumun.explain.caller import Caller, Shown
from sumun.explain.requirements import listed
from sumun.identity import Permission, Principal, SubjectKind


@dataclass(frozen=True, slots=True)
class Cure:
    """What to do: each step in words, the commands that make the change, and other commands of which one would do."""

    steps: tuple[str, ...]
    commands: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()


_NEW_TOKEN = "log in again, or ask for a new token"
_OF_INVALID: Mapping[InvalidBecause, str] = {
    InvalidBecause.MALFORMED: "send the token as it was issued: this is none of ours by its shape or checksum",
    InvalidBecause.UNKNOWN: f"{_NEW_TOKEN}: this one expired a while ago, was revoked, or was never issued",
    InvalidBecause.EXPIRED: f"{_NEW_TOKEN}: this one's time is over",
    InvalidBecause.REVOKED: f"{_NEW_TOKEN}: this one was revoked, or every login so far was ended",
    InvalidBecause.BAD_SIGNATURE: f"{_NEW_TOKEN}: none of today's keys signed this one",
    InvalidBecause.WRONG_ISSUER: "come with a token of this gateway: `iss` says another one (or `issuer` was changed)",
    InvalidBecause.WRONG_AUDIENCE: "come with a token for this service: `resource=` its `audience`, or none at all"
    " (and a JWT that says another `tokens.audience` is for another gateway)",
    InvalidBecause.SUBJECT_DISABLED: "let the person or program be enabled again, then log in",
    InvalidBecause.SESSION_OVER: "log in again",
    InvalidBecause.TICKET_GONE: "ask for a new ticket (`POST /oauth/ws-ticket`): each opens one WebSocket, within 30 s",
    InvalidBecause.BINDING_FAILED: "come as the one that the token is bound to: with a DPoP proof of its key "
    "(`Authorization: DPoP ...`), or with its certificate",
    InvalidBecause.BAD_PROOF: "send a DPoP proof of exactly this call: its method, URI, token, time (RFC 9449 4.2)",
    InvalidBecause.PROOF_REPLAYED: "make a new DPoP proof for each call: each is taken once",
    InvalidBecause.NONCE_WANTED: "put the value of the answer's header DPoP-Nonce into the proof, and call again",
    InvalidBecause.CLIENT_DISABLED: "let the client be enabled again, or come through another one",
}


def cure_of(
    refused: Refuse,
    caller: Caller,
    remedy: Remedy | None,
    roles: Iterable[str],
    bundles: Mapping[str, frozenset[Permission]],
) -> Cure:
    """What would have to be done for this refusal."""
    match refused.reason:
        case Reason.NO_CREDENTIAL:
            return Cure(("send an access token: `Authorization: Bearer ...`",))
        case Reason.NOT_INTERNAL:
            return Cure(("come by the internal listener",))
        case Reason.INVALID_TOKEN | Reason.INVALID_PROOF | Reason.NONCE_WANTED:
            return _of_invalid(refused.because or InvalidBecause.UNKNOWN, caller)
    if remedy is None or not isinstance(caller.evidence, Proven):
        return Cure(("no change of what the caller holds would allow it",))
    return _of_remedy(remedy, caller, caller.evidence, tuple(roles), bundles)


def _of_invalid(because: InvalidBecause, caller: Caller) -> Cure:
    commands: tuple[str, ...] = ()
    if because is InvalidBecause.SUBJECT_DISABLED and caller.words.startswith("the person "):
        commands = (f"sumun user enable {caller.words.removeprefix('the person ')}",)
    return Cure((_OF_INVALID[because],), commands)


def _of_remedy(
    remedy: Remedy,
    caller: Caller,
    evidence: Proven,
    roles: tuple[str, ...],
    bundles: Mapping[str, frozenset[Permission]],
) -> Cure:
    who = evidence.principal
    steps: list[str] = []
    commands: list[str] = []
    if remedy.roles or remedy.permissions:
        steps.append(f"give {_holder(caller, who)} {_gift(remedy)}{_where_to_give(caller, who)}")
        command = _command(caller, who, remedy.roles, remedy.permissions)
        commands += [command] if command else []
    if remedy.scopes:
        steps.append(_about_scopes(remedy.scopes, caller))
    if remedy.kind is not None:
        steps.append(_about_kind(remedy.kind, caller))
    if steps and evidence.kind is TokenKind.JWT and caller.shown is Shown.TOKEN and not remedy.kind:
        steps.append("then come with a new token: what a JWT says does not change")
    instead = [
        f"{command}   (gives {', '.join(sorted(map(str, bundles[role])))})"
        for role in roles
        if frozenset({role}) != remedy.roles
        and (command := _command(caller, who, frozenset({role}), frozenset())) is not None
    ]
    return Cure(tuple(steps), tuple(commands), tuple(instead))


def _holder(caller: Caller, who: Principal) -> str:
    if caller.own_rights:
        return f"the token {who.token_id}"
    return f"the {'person' if who.subject.kind is SubjectKind.USER else 'client'} {who.subject.id}"


def _gift(remedy: Remedy) -> str:
    words = [f"the role {role}" for role in sorted(remedy.roles)]
    words += [f"the permission {permission}" for permission in sorted(remedy.permissions)]
    return listed(words, "and")


def _where_to_give(caller: Caller, who: Principal) -> str:
    """For what no command changes: a client's own rights."""
    if caller.own_rights or who.subject.kind is SubjectKind.USER or caller.client is None:
        return ""
    if caller.client.where is None:
        return ": register it anew with them (`sumun client add`)"
    return f": write it under its `roles` or `permissions` in {caller.client.where}, then `sumun reload`"


def _command(
    caller: Caller, who: Principal, roles: frozenset[str], permissions: frozenset[Permission]
) -> str | None:
    if caller.own_rights:  # what `token edit` does not name is taken away
        return f"sumun token edit {who.token_id}{_options(who.roles | roles, who.permissions | permissions)}"
    if who.subject.kind is SubjectKind.USER:
        return f"sumun user grant {who.subject.id}{_options(roles, permissions)}"
    return None


def _options(roles: Iterable[str], permissions: Iterable[Permission]) -> str:
    words = [f" --role {role}" for role in sorted(roles)]
    words += [
        f" --permission '{one}'" if one.is_pattern else f" --permission {one}" for one in sorted(permissions)
    ]
    return "".join(words)


def _about_scopes(scopes: frozenset[Permission], caller: Caller) -> str:
    words = listed([str(scope) for scope in sorted(scopes)], "and")
    many = "s" * (len(scopes) > 1)
    step = f"come with a token that carries the scope{many} {words} too"
    client = caller.client
    if client is None:
        return step
    beyond = [scope for scope in sorted(scopes) if not any(one.covers(scope) for one in client.scopes)]
    if not beyond:
        return f"{step}: the client {client.id} may carry {'them' if many else 'it'}, so ask for {words}"
    where = f"under its `scopes` in {client.where}" if client.where else "when it is registered"
    return f"{step}; the client {client.id} may not carry {listed(list(map(str, beyond)), 'and')}: allow it {where}"


def _about_kind(kind: TokenKind, caller: Caller) -> str:
    step = f"come with {kind.words}"
    client = None if kind is TokenKind.SESSION else caller.client
    if client is None:
        return step
    if kind in client.kinds:
        return f"{step}: the client {client.id} gets one (`requested_token_type`, or its own kind)"
    where = f" in {client.where}" if client.where else ""
    return f"{step}; the client {client.id} gets none: write `may_ask_for: [{kind}]`{where}, or use another client"
