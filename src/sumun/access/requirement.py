"""Requirement: a small tree of permissions and roles that a principal must hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sumun.identity import Permission, Principal


@dataclass(frozen=True, slots=True)
class HasPermission:
    """One concrete permission (never a pattern)."""

    permission: Permission


@dataclass(frozen=True, slots=True)
class HasRole:
    """One role by name."""

    role: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part. Empty: always met."""

    parts: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part. Empty: never met."""

    parts: tuple[Requirement, ...]


Requirement = HasPermission | HasRole | AllOf | AnyOf
ALWAYS = AllOf(())


def is_met(
    requirement: Requirement, principal: Principal, bundles: Mapping[str, frozenset[Permission]]
) -> bool:
    """True when the principal, cut down by its scopes, holds what is required."""
    match requirement:
        case HasPermission(wanted):
            return any(p.covers(wanted) for p in principal.effective_permissions(bundles))
        case HasRole(role):
            return role in principal.active_roles()
        case AllOf(parts):
            return all(is_met(part, principal, bundles) for part in parts)
        case AnyOf(parts):
            return any(is_met(part, principal, bundles) for part in parts)


def missing_for(
    requirement: Requirement, principal: Principal, bundles: Mapping[str, frozenset[Permission]]
) -> frozenset[HasPermission | HasRole]:
    """The smallest set of leaves that, if held, would meet the requirement; empty when it is met already.

    Of the alternatives of an AnyOf the one with the fewest missing leaves is named (the first of equals).
    An AnyOf without parts can never be met: ValueError (the compiler refuses it).
    """
    match requirement:
        case HasPermission() | HasRole():
            return frozenset() if is_met(requirement, principal, bundles) else frozenset({requirement})
        case AllOf(parts):
            return frozenset().union(*(missing_for(part, principal, bundles) for part in parts))
        case AnyOf(parts):
            return min((missing_for(part, principal, bundles) for part in parts), key=len)
