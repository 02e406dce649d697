"""Rule: what one route asks of its callers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sumun.access.evidence import TOKENS, TokenKind
from sumun.access.requirement import ALWAYS, Requirement


class Access(StrEnum):
    """Who may knock at all."""

    PUBLIC = "public"
    """Anyone; no credential is looked at and no identity is handed on."""
    INTERNAL = "internal"
    """Anyone who comes through the internal listener; elsewhere the route does not exist."""
    PROTECTED = "protected"
    """A valid token, and `requirement`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one route asks for. `kinds` are the token kinds it takes; `audience` is its service's name as a resource."""

    route_id: str
    access: Access = Access.PROTECTED
    requirement: Requirement = ALWAYS
    kinds: frozenset[TokenKind] = TOKENS
    audience: str | None = None
