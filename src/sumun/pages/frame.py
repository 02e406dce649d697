"""What every page has."""

from __future__ import annotations

from dataclasses import dataclass

from sumun.pages.locale import Locale


@dataclass(frozen=True, slots=True)
class Frame:
    """`here` is a path of ours (with its query, without `lang`) by which GET shows this page again.

    The page offers the other language there; empty: it cannot be shown again, and offers none.
    """

    locale: Locale = Locale.EN
    here: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Who is logged in. `name` is what people call them; `username` is what they log in with. Either may be hostile."""

    username: str
    name: str = ""

    @property
    def called(self) -> str:
        """The name to show."""
        return self.name or self.username


@dataclass(frozen=True, slots=True)
class Hidden:
    """A field of a form that the person does not see: the handle of a transaction, the token against forgery."""

    name: str
    value: str
