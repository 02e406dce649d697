"""Policy: one generation's rules and role bundles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sumun.access.rule import Rule
from sumun.identity import Permission


@dataclass(frozen=True, slots=True)
class Policy:
    """What one generation of the configuration says: route id -> Rule, role -> permissions."""

    generation: int
    rules: Mapping[str, Rule]
    bundles: Mapping[str, frozenset[Permission]]
