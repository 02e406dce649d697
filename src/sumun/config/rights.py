"""Permissions and names of roles as settings."""

from __future__ import annotations

from dataclasses import dataclass

from sumun.config.refused import RefusedError
from sumun.config.values import Marker, Reading, text_of
from sumun.identity import InvalidPermissionError, Permission
from sumun.identity.permission import ROLE_RESOURCE

PERMISSIONS = "resource:action in small letters, such as product:read"
PATTERNS = f"{PERMISSIONS}, or with * on either side, such as product:*"


def parse_right(text: str, *, patterns: bool, roles: bool) -> Permission:
    """A permission. `patterns`: `*` may stand; `roles`: `role:NAME` may. Raises RefusedError."""
    allowed = PATTERNS if patterns else PERMISSIONS
    try:
        permission = Permission.parse(text)
    except InvalidPermissionError:
        lower = text.lower()
        mend = f"write {lower}" if lower != text and _is_permission(lower) else ""
        raise RefusedError("is not a permission", allowed, mend) from None
    if permission.is_pattern and not patterns:
        raise RefusedError("is a pattern, and here one permission must stand", allowed, "name the permission")
    if permission.resource == ROLE_RESOURCE and not roles:
        raise RefusedError(
            "means a role: the resource `role` is kept for scopes", allowed, "give the role under `roles`"
        )
    return permission


def _is_permission(text: str) -> bool:
    try:
        Permission.parse(text)
    except InvalidPermissionError:
        return False
    return True


@dataclass(frozen=True, eq=False)
class Right(Marker[Permission]):
    """A permission, a pattern of permissions, or a scope."""

    patterns: bool = True
    roles: bool = False

    @property
    def word(self) -> str:  # type: ignore[override]
        """By what may stand."""
        return "scope" if self.roles else "permission or pattern" if self.patterns else "permission"

    def read(self, raw: object, reading: Reading) -> Permission:
        """The permission."""
        allowed = PATTERNS if self.patterns else PERMISSIONS
        return parse_right(text_of(raw, allowed), patterns=self.patterns, roles=self.roles)

    def show(self, value: Permission) -> str:
        """As YAML: a text with a `*` stands in quotes."""
        return f'"{value}"' if value.is_pattern else str(value)
