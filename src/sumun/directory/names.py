"""What may be called what: account names, client ids, display names, roles and permissions that someone holds. Pure.

**Account names and registered client ids are stored in lower case.** What a person types is looked up in lower case, so
`Alice` logs in as `alice`; making an account `Alice` is refused, so two sources can never mean two people by one
name in two spellings. Client ids of the configuration file may be written as the operator likes (RFC 6749 2.2: opaque
strings, compared exactly), but they are compared without case with names that must not collide with them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable

from sumun.directory.errors import ClientExistsError, InvalidNameError, NameTakenError
from sumun.identity import InvalidPermissionError, Permission
from sumun.identity.permission import ROLE_RESOURCE
from sumun.identity.subject import NAME_PATTERN

LOCAL = "local"
"""The source of accounts and rights that an operator made here, with the password kept here."""

MAX_DISPLAY_NAME_CHARACTERS = (
    256  # longer than any name (the longest on record has 227); it travels in a header
)

_NAME = re.compile(NAME_PATTERN)
# Not in a display name: controls, lone surrogates, unassigned, line and paragraph separators. The direction overrides
# (Unicode TR 36, 2.5) could make one name look like another in a list.
_UNPRINTABLE = frozenset({"Cc", "Cs", "Cn", "Zl", "Zp"})
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def account_name(text: str) -> str:
    """An account name or registered client id as it is stored. Raises InvalidNameError."""
    if _NAME.fullmatch(text) is None or text != text.lower():
        raise InvalidNameError(
            f"{text[:80]!r} cannot be an account name or client id; use 1 to 128 of a-z, 0-9 and . _ @ + - "
            "(lower case) with a letter or digit at both ends"
        )
    return text


def typed_name(text: str) -> str | None:
    """What a person typed as a login, as account names are stored; None when no account can have that name.

    The alphabet is checked first: it is ASCII, so lower() cannot turn a foreign letter into one of ours (U+212A K).
    """
    return text.lower() if _NAME.fullmatch(text) else None


def display_name(text: str) -> str:
    """A display name in NFC, without spaces at the ends. Raises InvalidNameError."""
    name = unicodedata.normalize("NFC", text).strip()
    bad = next((c for c in name if c in _OVERRIDES or unicodedata.category(c) in _UNPRINTABLE), None)
    if bad is not None:
        raise InvalidNameError(
            f"the display name has the character U+{ord(bad):04X}, which does not print; leave it out"
        )
    if not 1 <= len(name) <= MAX_DISPLAY_NAME_CHARACTERS:
        raise InvalidNameError(
            f"a display name has 1 to {MAX_DISPLAY_NAME_CHARACTERS} characters; this one has {len(name)}"
        )
    return name


def role_names(roles: Iterable[str]) -> frozenset[str]:
    """The roles, when each can be one: what may stand in the scope `role:NAME`. Raises InvalidNameError."""
    names = frozenset(roles)
    for name in names:
        try:
            fits = not Permission.parse(f"{ROLE_RESOURCE}:{name}").is_pattern
        except InvalidPermissionError:
            fits = False
        if not fits:
            raise InvalidNameError(
                f"{name[:80]!r} cannot be a role; use 1 to 64 of a-z, 0-9 and _ . - with a letter first"
            )
    return names


def held_permissions(permissions: Iterable[Permission]) -> frozenset[Permission]:
    """The permissions, when each may be held directly; `role:...` is reserved for scopes. Raises InvalidNameError."""
    held = frozenset(permissions)
    for permission in held:
        if permission.resource == ROLE_RESOURCE:
            raise InvalidNameError(
                f"{str(permission)!r} is no permission: to give a role, grant the role itself"
            )
    return held


def refuse_client_name(name: str, configured_clients: Collection[str], *, registered: bool) -> None:
    """No person has the name of a client. Raises NameTakenError."""
    if registered or name in {client.lower() for client in configured_clients}:
        where = "registered" if registered else "configured"
        raise NameTakenError(f"{name!r} is the id of a {where} client; people and clients never share a name")


def refuse_configured_client(client_id: str, configured_clients: Collection[str]) -> None:
    """No registered client has the id of one in the configuration file. Raises ClientExistsError."""
    if client_id in {client.lower() for client in configured_clients}:
        raise ClientExistsError(
            f"the client {client_id!r} is in the configuration file; change it there, or choose another id"
        )
