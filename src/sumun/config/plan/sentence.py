"""What an operator says to people, in their languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# In which languages an operator may say what people read: those of the pages.
LANGUAGES = ("en", "ko")


@dataclass(frozen=True, slots=True)
class Sentence:
    """Something that people read: `plain`, for all who have none in their own language, and others by language."""

    plain: str
    others: Mapping[str, str] = field(default_factory=dict)

    def said(self, language: str) -> str:
        """The sentence for somebody who reads this language."""
        return self.others.get(language, self.plain)
