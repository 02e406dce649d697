"""Principal: who a credential proves, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from sumun.identity.permission import ROLE_RESOURCE, Permission
from sumun.identity.subject import Subject


class Principal(Struct, frozen=True, gc=False):
    """Who is calling.

    `name` is the display name (any Unicode). `roles` are role names; what they bundle is policy, not identity.
    `permissions` are held directly. `scopes` cut both down: a role counts only when a scope covers `role:<name>`.
    `token_id` is the public handle of the token, never the token. `audience` are the services that it is for, by the
    names that they have as resources (RFC 8707); empty: the whole gateway.
    """

    subject: Subject
    name: str
    roles: frozenset[str]
    permissions: frozenset[Permission]
    scopes: frozenset[Permission]
    client_id: str | None = None
    token_id: str | None = None
    audience: frozenset[str] = frozenset()

    def active_roles(self) -> frozenset[str]:
        """The roles that the scopes leave."""
        return frozenset(
            role for role in self.roles if any(s.covers(Permission(ROLE_RESOURCE, role)) for s in self.scopes)
        )

    def effective_permissions(self, bundles: Mapping[str, frozenset[Permission]]) -> frozenset[Permission]:
        """Union of what the roles bundle and what is held directly, cut down by the scopes; no member covers another.

        `bundles` maps a role name to its permissions; a role that the policy does not define gives nothing.
        """
        held = set(self.permissions)
        for role in self.roles:
            held |= bundles.get(role, frozenset())
        left = {both for one in held for scope in self.scopes if (both := one.intersect(scope)) is not None}
        return _without_covered(left)


def _without_covered(permissions: Iterable[Permission]) -> frozenset[Permission]:
    every = frozenset(permissions)
    patterns = [p for p in every if p.is_pattern]
    return frozenset(p for p in every if not any(q != p and q.covers(p) for q in patterns))
