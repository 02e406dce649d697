"""What an answer owes to rights alone, worked out once for each profile and rule.

A decision looks at what a principal holds, never at who it is (a property test holds `decide` to that). So everyone of
one profile gets the same decision, the same rights and the same verdict for HAProxy, for as long as the policy
lives. Nothing here knows a credential, a time or a person: whether the token is good was judged before.
"""

from __future__ import annotations

from dataclasses import dataclass

from sumun.access import Decision, Policy, Profile, Proven, Refuse, Rule, decide, profile_id
from sumun.access.handover import rights_of
from sumun.access.shadow import ShadowSays, otherwise
from sumun.answers.learned import verdict_of
from sumun.haproxy.kept import Verdict, told_rights
from sumun.spop import encode_variables

MOST = 20_000
"""Entries, about 1 KiB each. When they are too many, all are worked out anew."""

LONGEST_HELD = 1000
"""Characters of a profile in a line of the access log, which HAProxy cuts at 8 KiB."""


@dataclass(frozen=True, slots=True)
class Settled:
    """`rights` is that variable of the answer, `allow` all that the answers have in common, encoded
    (`spop.encode_variables`), and `verdict` is what HAProxy may keep: each only of an allow.

    `shadow` is how the route's shadow rule would decide otherwise (`access.shadow`), or nothing.
    `held` is what the access log says of the caller's rights: the profile, or its id when that would be long.
    """

    policy: Policy
    decision: Decision
    held: str
    rights: str
    allow: bytes
    verdict: Verdict | None
    shadow: ShadowSays | None = None


class SettledOnce:
    """Remembers what was settled. Lives on one event loop."""

    def __init__(self, most: int = MOST) -> None:
        """Nothing is settled yet."""
        self._most = most
        self._settled: dict[tuple[str, int, str, bool], Settled] = {}

    def of(self, policy: Policy, rule: Rule, proven: Proven, *, internal: bool) -> Settled:
        """The decision on this rule for everyone of this profile, and what follows from it."""
        who = proven.principal
        profile = profile_id(
            proven.kind, who.roles, who.permissions, who.scopes, proven.own_rights, who.audience
        )
        key = (profile, policy.generation, rule.route_id, internal)
        known = self._settled.get(key)
        if known is not None and known.policy is policy:
            return known
        found = _settle(policy, rule, proven, profile, internal=internal)
        if not found.decision.varied:
            if len(self._settled) >= self._most:
                self._settled.clear()
            self._settled[key] = found
        return found


def _settle(policy: Policy, rule: Rule, proven: Proven, profile: str, *, internal: bool) -> Settled:
    decision = decide(rule, proven, policy.bundles, internal=internal)
    text = Profile.of(proven).text
    held = text if len(text) <= LONGEST_HELD else profile
    shadow = _shadow(policy, rule, proven, decision, internal=internal)
    if isinstance(decision, Refuse):
        return Settled(policy, decision, held, "", b"", None, shadow)
    rights = rights_of(proven.principal, policy.bundles)
    may_be_kept = not decision.varied and rule.route_id in policy.kept
    verdict = verdict_of(profile, policy, rule.route_id, rights, shadow) if may_be_kept else None
    told = told_rights(*rights)
    allow = encode_variables({"allow": True, "rights": told})
    return Settled(policy, decision, held, told, allow, verdict, shadow)


def _shadow(
    policy: Policy, rule: Rule, proven: Proven, decision: Decision, *, internal: bool
) -> ShadowSays | None:
    asked = policy.shadows.get(rule.route_id)
    if asked is None:
        return None
    return otherwise(decision, decide(asked, proven, policy.bundles, internal=internal))
