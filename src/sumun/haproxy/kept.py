"""What HAProxy is told, and may keep, of an answer: who calls, and with which rights. Values <-> map rows.

One codec for every row: fields joined by `|`; none of them holds `|`, `;`, white space or a control character (names
are percent-encoded before they come here), and numbers are bounded, for HAProxy saturates silently.
"""

from __future__ import annotations

import re

from msgspec import Struct

LONGEST_VALUE = 2048
"""Bytes of a map row's value. Longer ones are not kept: such a caller is asked about every time."""

_NO_FIELD = re.compile(r"[;\x00-\x20\x7f]")  # a semicolon would end a command of the runtime socket
_LARGEST = 2**53


class Fact(Struct, frozen=True, array_like=True, gc=False):
    """What one credential proved. `expires` is a unix second; `as_of` the number of the latest change it contains."""

    key: str
    expires: int
    as_of: int
    profile: str
    subject: str
    token: str
    client: str
    user_id: str
    user_name: str

    def value(self) -> str | None:
        """The map row's value; None when it cannot be one."""
        if not (0 <= self.expires < _LARGEST and 0 <= self.as_of < _LARGEST):
            return None
        whose = (self.profile, self.subject, self.token, self.client, self.user_id, self.user_name)
        return _row((str(self.expires), str(self.as_of), *whose))


class Verdict(Struct, frozen=True, array_like=True, gc=False):
    """Who has this profile may use what this rule guards, under this generation.

    `shadow` is what a shadow rule says against it: such calls go through a backend of their own, which notes it.
    """

    profile: str
    generation: int
    rule: str
    service: str
    roles: str
    permissions: str
    shadow: str = ""

    @property
    def key(self) -> str:
        """The map row's key."""
        return f"{self.profile}@{self.generation}.{self.rule}"

    def value(self) -> str | None:
        """The map row's value; None when it cannot be one."""
        rights = (self.roles, self.permissions)
        if self.shadow:
            return _row((f"shadow.{self.service}", *rights, self.shadow))
        return _row((f"known.{self.service}", *rights))


def told_fact(held: str, subject: str, token: str, client: str, user_id: str, user_name: str) -> str:
    """An answer's fact: as a row's value, but that it holds for this call only, and `held` may be a profile's text.

    ValueError when a part holds what parts two fields: the service would take it for somebody else.
    """
    text = f"||{held}|{subject}|{token}|{client}|{user_id}|{user_name}"
    if text.count("|") != 7:
        raise ValueError("a part of a fact holds a field separator")
    return text


def told_rights(roles: str, permissions: str) -> str:
    """An answer's rights: as a verdict's value, but that it names no backend. ValueError as `told_fact`."""
    text = f"|{roles}|{permissions}"
    if text.count("|") != 2:
        raise ValueError("a part of rights holds a field separator")
    return text


def _row(fields: tuple[str, ...]) -> str | None:
    value = "|".join(fields)
    if value.count("|") != len(fields) - 1 or _NO_FIELD.search(value):
        return None
    length = len(value) if value.isascii() else len(value.encode())
    return value if length <= LONGEST_VALUE else None
