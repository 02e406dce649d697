"""What HAProxy may keep of an allowed call. Pure; the rest is the keeper's.

Only an allow that varied on nothing else than (credential, route's rule, generation) is kept; a refusal is asked again,
so that it can be explained and logged.
"""

from __future__ import annotations

from collections.abc import Callable

from sumun.access import Policy, Proven, profile_id
from sumun.access.handover import user_of
from sumun.access.shadow import ShadowSays
from sumun.answers.translate import Question
from sumun.haproxy.kept import Fact, Verdict

Learn = Callable[[Fact, Verdict], None]
"""Takes what may be kept; may drop it."""


def fact_of(question: Question, proven: Proven) -> Fact:
    """The fact about this question's credential."""
    who = proven.principal
    user_id, user_name = user_of(who)
    return Fact(
        key=question.credential.fingerprint(question.span),
        expires=int(proven.expires_at if proven.kept_until is None else proven.kept_until),
        as_of=proven.as_of,
        profile=profile_id(
            proven.kind, who.roles, who.permissions, who.scopes, proven.own_rights, who.audience
        ),
        subject=str(who.subject),
        token=who.token_id or "-",
        client=who.client_id or "-",
        user_id=user_id,
        user_name=user_name,
    )


def verdict_of(
    profile: str, policy: Policy, route_id: str, rights: tuple[str, str], shadow: ShadowSays | None = None
) -> Verdict:
    """The verdict for this profile and this route's rule. `rights`: roles and permissions, as the service is told."""
    roles, permissions = rights
    service, rule = policy.kept[route_id]
    return Verdict(
        profile=profile,
        generation=policy.generation,
        rule=rule,
        service=service,
        roles=roles,
        permissions=permissions,
        shadow="" if shadow is None else shadow.text,
    )
