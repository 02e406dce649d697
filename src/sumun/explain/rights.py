"""Where each right came from, and what the scopes left of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sumun.identity import Permission, Principal

DIRECT = ""


@dataclass(frozen=True, slots=True)
class HeldRight:
    """One permission that a caller holds. `role` bundles it, or is empty: held directly.

    `left` is what the scopes let through of it: the permission itself, narrower ones, or nothing.
    """

    permission: Permission
    role: str
    left: tuple[Permission, ...]

    @property
    def is_whole(self) -> bool:
        """Whether the scopes took nothing from it."""
        return self.left == (self.permission,)


def held_rights(who: Principal, bundles: Mapping[str, frozenset[Permission]]) -> tuple[HeldRight, ...]:
    """Every permission with its source: direct ones first, then by role; one that comes twice is there twice."""
    sources = [(DIRECT, who.permissions)] + [
        (role, bundles.get(role, frozenset())) for role in sorted(who.roles)
    ]
    return tuple(
        HeldRight(permission, role, _left(permission, who))
        for role, permissions in sources
        for permission in sorted(permissions)
    )


def _left(permission: Permission, who: Principal) -> tuple[Permission, ...]:
    both = {left for scope in who.scopes if (left := permission.intersect(scope)) is not None}
    return tuple(sorted(p for p in both if not any(q != p and q.covers(p) for q in both)))
