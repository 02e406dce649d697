"""Permissions: `resource:action`, either side may be `*`.

The same value is used for what a role bundles, what a person holds directly, what a token's scope cuts down to and
what a route requires. A route requires a concrete permission (no `*`). The resource `role` is reserved: the scope
`role:admin` says that a token may act in the role `admin`; no permission may be named so.

A permission is a legal RFC 6749 scope-token (section 3.3), so scopes travel without any escaping.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from sumun.errors import SumunError

# One side of a permission. Short, lower case, no space, quote or separator: safe in headers, maps, URLs and YAML.
_SIDE = r"(?:\*|[a-z][a-z0-9_.-]{0,63})"
_PERMISSION = re.compile(rf"({_SIDE}):({_SIDE})")
ROLE_RESOURCE = "role"


class InvalidPermissionError(SumunError):
    """A text is not a permission."""

    code: ClassVar[str] = "invalid_permission"
    exit_code: ClassVar[int] = 2


@dataclass(frozen=True, slots=True, order=True)
class Permission:
    """One right, or a pattern of rights. `str()` gives `resource:action`."""

    resource: str
    action: str

    @classmethod
    def parse(cls, text: str) -> Permission:
        """Read `resource:action`. Raises InvalidPermissionError."""
        match = _PERMISSION.fullmatch(text)
        if match is None:
            raise InvalidPermissionError(
                f"{text[:80]!r} is not a permission; write resource:action in lower case, "
                "such as product:read or product:*"
            )
        return cls(match[1], match[2])

    @property
    def is_pattern(self) -> bool:
        """True when either side is `*`."""
        return self.resource == "*" or self.action == "*"

    def covers(self, wanted: Permission) -> bool:
        """True when holding this permission is enough for `wanted`."""
        return self.resource in ("*", wanted.resource) and self.action in ("*", wanted.action)

    def intersect(self, other: Permission) -> Permission | None:
        """The rights that both give, or None when there are none."""
        resource = _narrower(self.resource, other.resource)
        action = _narrower(self.action, other.action)
        return None if resource is None or action is None else Permission(resource, action)

    def __str__(self) -> str:
        """The text form."""
        return f"{self.resource}:{self.action}"


ANYTHING = Permission("*", "*")


def narrowed(scopes: frozenset[Permission], bound: frozenset[Permission]) -> frozenset[Permission]:
    """The rights that both give. Most are bound by `*:*` or by what they have: then nothing is computed."""
    if scopes <= bound or ANYTHING in bound:
        return scopes
    both = (one.intersect(other) for one in scopes for other in bound)
    return frozenset(left for left in both if left is not None)


def _narrower(one: str, two: str) -> str | None:
    if one == "*":
        return two
    return one if two in ("*", one) else None
