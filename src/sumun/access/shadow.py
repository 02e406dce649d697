"""Shadow rules: what a route might ask one day, decided beside what it asks, and only reported. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from sumun.access.decision import Allow, Decision, Refuse

LONGEST = 500
"""Characters of what is missing; more is left out of a line of the log."""

ALLOW = "allow"
DETAIL = "/"


@dataclass(frozen=True, slots=True)
class ShadowSays:
    """How a shadow rule would decide otherwise: `allow`, or the code of a refusal and its detail as in the log."""

    outcome: str
    detail: str = ""

    @classmethod
    def parse(cls, text: str) -> ShadowSays:
        """What a line of the log says."""
        outcome, _, detail = text.partition(DETAIL)
        return cls(outcome, detail.replace(",", " "))

    @property
    def text(self) -> str:
        """`insufficient_scope/product:list,role:admin`: no white space and no semicolon, for HAProxy's maps."""
        detail = self.detail.replace(" ", ",")
        return f"{self.outcome}{DETAIL}{detail}" if detail and len(detail) <= LONGEST else self.outcome


def otherwise(decision: Decision, shadow: Decision) -> ShadowSays | None:
    """What a shadow rule would do in place of a decision; None when the call would pass, or not, all the same."""
    if isinstance(shadow, Refuse):
        return ShadowSays(shadow.code, shadow.detail) if isinstance(decision, Allow) else None
    return ShadowSays(ALLOW) if isinstance(decision, Refuse) else None
