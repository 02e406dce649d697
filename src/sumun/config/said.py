"""What an operator says to people, as a setting: one sentence, or one in each of several languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sumun.config.closest import closest
from sumun.config.plan import LANGUAGES, Sentence
from sumun.config.problems import did_you_mean
from sumun.config.refused import RefusedError
from sumun.config.values import Marker, Reading, Text

_ALLOWED = "a sentence for people, or one in English and others: {en: .., ko: ..}"
_ONE = Text("sentence", allowed=_ALLOWED)


@dataclass(frozen=True, eq=False)
class Said(Marker[Sentence]):
    """A sentence, or sentences by language; English is for whoever reads none of the others."""

    word: str = "sentence, or sentences by language"

    def read(self, raw: object, reading: Reading) -> Sentence:
        """The sentence."""
        if not isinstance(raw, Mapping):
            return Sentence(_ONE.read(raw, reading))
        for language in raw:
            if language not in LANGUAGES:
                near = did_you_mean(closest(str(language), LANGUAGES))
                raise RefusedError(f"{str(language)[:20]!r} is no language of the pages", _ALLOWED, near)
        if "en" not in raw:
            raise RefusedError("has no English sentence, for whoever reads none of the others", _ALLOWED)
        said = {str(language): _ONE.read(words, reading) for language, words in raw.items()}
        return Sentence(said.pop("en"), said)
