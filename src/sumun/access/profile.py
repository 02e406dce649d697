"""Profile: everything that a decision looks at in a caller. Many callers share few profiles.

The text is what the access log says of an asked call, `kind;roles;permissions;scopes`, lists sorted and joined by
commas: `opaque;user;;*:*`. Behind that may stand `own`, and `for:` with the services that the token is for. The id is
short, made from the text, and stands where the same is said again and again.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from sumun.access.evidence import Proven, TokenKind
from sumun.errors import SumunError
from sumun.identity import Permission

_OWN = "own"
_FOR = "for:"
_ID_BYTES = 15  # 120 bits: no two profiles ever meet


class NotAProfileError(SumunError):
    """A text is not a profile."""

    code = "not_a_profile"


@dataclass(frozen=True, slots=True)
class Profile:
    """Kind of token, and what the caller held. `own_rights`: by the token itself, whatever its subject holds."""

    kind: TokenKind
    roles: frozenset[str]
    permissions: frozenset[Permission]
    scopes: frozenset[Permission]
    own_rights: bool = False
    audience: frozenset[str] = frozenset()

    @classmethod
    def of(cls, proven: Proven) -> Profile:
        """What a proven caller is decided by."""
        who = proven.principal
        return cls(proven.kind, who.roles, who.permissions, who.scopes, proven.own_rights, who.audience)

    @classmethod
    def parse(cls, text: str) -> Profile:
        """The profile of a text. Raises NotAProfileError."""
        parts = text.split(";")
        try:
            kind, roles, permissions, scopes, *more = parts
            own = more[:1] == [_OWN]
            audience = more[own:]
            if len(audience) > 1 or not all(one.startswith(_FOR) and one != _FOR for one in audience):
                raise ValueError(more)
            return cls(
                TokenKind(kind),
                frozenset(_split(roles)),
                frozenset(map(Permission.parse, _split(permissions))),
                frozenset(map(Permission.parse, _split(scopes))),
                own_rights=own,
                audience=frozenset(_split("".join(audience).removeprefix(_FOR))),
            )
        except (ValueError, SumunError):
            raise NotAProfileError(f"{text[:80]!r} does not say what a caller held") from None

    @property
    def text(self) -> str:
        """`opaque;user;;*:*`; no part can hold a separator (`identity.permission`, `identity.resource`)."""
        lists = (self.roles, map(str, self.permissions), map(str, self.scopes))
        own = (_OWN,) if self.own_rights else ()
        audience = (_FOR + ",".join(sorted(self.audience)),) if self.audience else ()
        return ";".join((self.kind.value, *(",".join(sorted(of)) for of in lists), *own, *audience))

    @property
    def id(self) -> str:
        """Equal ids, equal decisions."""
        return id_of(self.text)


def id_of(text: str) -> str:
    """The id of the profile of this text."""
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:_ID_BYTES]).decode()


@lru_cache(maxsize=20_000)
def profile_id(
    kind: TokenKind,
    roles: frozenset[str],
    permissions: frozenset[Permission],
    scopes: frozenset[Permission],
    own_rights: bool = False,  # noqa: FBT001, FBT002 (asked for each answer)
    audience: frozenset[str] = frozenset(),
) -> str:
    """The id of this profile, remembered."""
    return Profile(kind, roles, permissions, scopes, own_rights, audience).id


def _split(text: str) -> Iterable[str]:
    return text.split(",") if text else ()
