"""MAY: routes' rules and the one function that decides. Pure.

Evidence  what became of the request's credential: nothing sent, not valid (why), bound to a key, or a principal
Rule      what one route asks for
Decision  Allow or Refuse(reason); no third thing, and no HTTP (the faces translate)
Policy    one generation's rules and role bundles; immutable
Profile   everything that a decision looks at in a caller, as text and as a short id

`decide(rule, evidence, bundles)` is the only place that decides: the live path, `sumun explain`, policy tests and
replay all call it.
"""

from sumun.access.decide import decide
from sumun.access.decision import Allow, Decision, Reason, Refuse, Varied
from sumun.access.evidence import TOKENS, Bound, Evidence, Invalid, InvalidBecause, Missing, Proven, TokenKind
from sumun.access.policy import Policy
from sumun.access.profile import NotAProfileError, Profile, profile_id
from sumun.access.requirement import (
    ALWAYS,
    AllOf,
    AnyOf,
    HasPermission,
    HasRole,
    Requirement,
    is_met,
    missing_for,
)
from sumun.access.rule import Access, Rule

__all__ = [
    "ALWAYS",
    "TOKENS",
    "Access",
    "AllOf",
    "Allow",
    "AnyOf",
    "Bound",
    "Decision",
    "Evidence",
    "HasPermission",
    "HasRole",
    "Invalid",
    "InvalidBecause",
    "Missing",
    "NotAProfileError",
    "Policy",
    "Profile",
    "Proven",
    "Reason",
    "Refuse",
    "Requirement",
    "Rule",
    "TokenKind",
    "Varied",
    "decide",
    "is_met",
    "missing_for",
    "profile_id",
]
