"""The one function that decides."""

from __future__ import annotations

from collections.abc import Mapping

from sumun.access.decision import Allow, Decision, Reason, Refuse
from sumun.access.evidence import Bound, Evidence, Invalid, InvalidBecause, Missing, Proven
from sumun.access.requirement import is_met, missing_for
from sumun.access.rule import Access, Rule
from sumun.identity import Permission


def decide(
    rule: Rule,
    evidence: Evidence,
    bundles: Mapping[str, frozenset[Permission]],
    *,
    internal: bool = False,
) -> Decision:
    """May this caller use this route?

    `bundles` maps a role name to what it bundles (the policy's). `internal` is True when the call came through the
    internal listener. Pure: expiry was judged when the evidence was made, so the same evidence gives the same answer,
    and nothing but (credential, route, generation, listener) went in.
    """
    if rule.access is Access.PUBLIC:
        return Allow()
    if rule.access is Access.INTERNAL:
        return Allow() if internal else Refuse(Reason.NOT_INTERNAL)
    match evidence:
        case Missing():
            return Refuse(Reason.NO_CREDENTIAL)
        case Invalid(because):
            return Refuse.invalid(because)
        case Bound():
            return Refuse.invalid(InvalidBecause.BINDING_FAILED)
        case Proven(principal, kind, _):
            if principal.audience and rule.audience not in principal.audience:
                # RFC 8707 2.2: a token that is for other services is none here.
                return Refuse.invalid(InvalidBecause.WRONG_AUDIENCE)
            if kind not in rule.kinds:
                return Refuse(Reason.WRONG_TOKEN_KIND)
            if is_met(rule.requirement, principal, bundles):
                return Allow()
            missing = missing_for(rule.requirement, principal, bundles)
            return Refuse(Reason.INSUFFICIENT_SCOPE, missing=missing)
