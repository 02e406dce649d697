"""Policy: one generation's rules and role bundles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sumun.access.rule import Rule
from sumun.identity import Permission


@dataclass(frozen=True, slots=True)
class Policy:
    """What one generation of the configuration says.

    rules    route id -> Rule
    bundles  role -> permissions
    signed   route id -> service id, for routes whose service is handed a signed identity token
    kept     route id -> (service id, rule id), for routes whose decisions may be kept
    shadows  route id -> what its shadow rule asks, for routes that have one; it decides nothing
    metadata route id -> where it is published whose tokens it takes (RFC 9728), for challenges
    """

    generation: int
    rules: Mapping[str, Rule]
    bundles: Mapping[str, frozenset[Permission]]
    signed: Mapping[str, str]
    kept: Mapping[str, tuple[str, str]]
    shadows: Mapping[str, Rule] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
