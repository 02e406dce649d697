"""What HAProxy may keep of an allowed call. Pure; the rest is the keeper's.

Only an allow that varied on nothing else than (credential, route's rule, generation) is kept; a refusal is asked again,
so that it can be explained and logged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sumun.access import Policy, Proven, profile_id
from sumun.access.shadow import ShadowSays
from sumun.answers.translate import Question, Variables
from sumun.haproxy.kept import Fact, Verdict

Learn = Callable[[Fact, Verdict], None]
"""Takes what may be kept; may drop it."""


def fact_of(question: Question, proven: Proven, told: Variables) -> Fact:
    """The fact about this question's credential. `told` are the identity variables of the answer."""
    who = proven.principal
    return Fact(
        key=question.credential.fingerprint(),
        expires=int(proven.expires_at),
        as_of=proven.as_of,
        profile=profile_id(proven.kind, who.roles, who.permissions, who.scopes, proven.own_rights),
        subject=str(who.subject),
        token=who.token_id or "-",
        client=who.client_id or "-",
        user_id=str(told.get("user_id", "")),
        user_name=str(told.get("user_name", "")),
    )


def verdict_of(
    profile: str, policy: Policy, route_id: str, rights: Mapping[str, str], shadow: ShadowSays | None = None
) -> Verdict:
    """The verdict for this profile and this route's rule. `rights` are the header variables of the profile."""
    service, rule = policy.kept[route_id]
    return Verdict(
        profile=profile,
        generation=policy.generation,
        rule=rule,
        service=service,
        roles=rights["user_roles"],
        permissions=rights["user_permissions"],
        shadow="" if shadow is None else shadow.text,
    )
