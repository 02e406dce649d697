"""Subjects: who a token, a grant or a change is about."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import ClassVar

from msgspec import Struct

from sumun.errors import SumunError

# Account names and client ids share one alphabet, safe in headers, map keys, log lines and SQL without escaping.
NAME_PATTERN = r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]{0,126}[A-Za-z0-9])?"
_NAME = re.compile(NAME_PATTERN)


def is_name(text: str) -> bool:
    """Whether an account or a client may be called so."""
    return _NAME.fullmatch(text) is not None


class InvalidSubjectError(SumunError):
    """A text is not a subject."""

    code: ClassVar[str] = "invalid_subject"
    exit_code: ClassVar[int] = 2


class SubjectKind(StrEnum):
    """A person, or a program acting for itself."""

    USER = "user"
    CLIENT = "client"


class Subject(Struct, frozen=True, order=True, gc=False):
    """A user or a client. `str()` gives `kind:id`; ids are never used twice, so they need no other disambiguation."""

    kind: SubjectKind
    id: str

    def __post_init__(self) -> None:
        """Refuse an id outside the alphabet. Raises InvalidSubjectError."""
        if not is_name(self.id):
            raise InvalidSubjectError(
                f"{self.id[:80]!r} is not a name; use 1 to 128 letters, digits and . _ @ + - "
                "with a letter or digit at both ends"
            )

    @classmethod
    def parse(cls, text: str) -> Subject:
        """Read `user:alice` or `client:batch`. Raises InvalidSubjectError."""
        kind, _, name = text.partition(":")
        try:
            return cls(SubjectKind(kind), name)
        except ValueError:
            raise InvalidSubjectError(
                f"{text[:80]!r} is not a subject; write user:NAME or client:ID"
            ) from None

    @classmethod
    def user(cls, name: str) -> Subject:
        """The person with this account name."""
        return cls(SubjectKind.USER, name)

    @classmethod
    def client(cls, client_id: str) -> Subject:
        """The program with this client id."""
        return cls(SubjectKind.CLIENT, client_id)

    def __str__(self) -> str:
        """The text form."""
        return f"{_KIND[self.kind]}:{self.id}"

    def __hash__(self) -> int:
        """Of the id alone: a person and a program of one name are few, and the kind's hash is dear."""
        return hash(self.id)


# An enumeration's own `.value` takes ten times as long.
_KIND = {kind: kind.value for kind in SubjectKind}
