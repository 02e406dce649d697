"""Kind: one sort of part, and where its settings and its builder are."""

from __future__ import annotations

import pkgutil
import re
from dataclasses import dataclass
from typing import Any

from sumun.plugins.errors import BrokenKindError, PluginError

AUTHENTICATOR = "authenticator"

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of part.

    `family` is what it is (`authenticator`), `name` what the configuration calls it (`kind: http`), `meaning` one
    sentence for lists. `settings` and `build` are references `module:attribute`, imported when first asked for:
    `settings` is a pydantic model class that forbids extra keys; `build` is a callable, its signature is the family's.
    Raises PluginError for a name or a reference that cannot be one.
    """

    family: str
    name: str
    settings: str
    build: str
    meaning: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be a name or a reference."""
        if _NAME.fullmatch(self.family) is None or _NAME.fullmatch(self.name) is None:
            raise PluginError(
                f"{self.family!r} {self.name!r}: a kind's names are 1 to 32 of a-z, 0-9 and _, with a letter first"
            )
        for reference in (self.settings, self.build):
            if _REFERENCE.fullmatch(reference) is None:
                raise PluginError(f"{self.family} {self.name!r}: {reference!r} is not module:attribute")

    def settings_class(self) -> Any:
        """The pydantic model class of the settings. Raises BrokenKindError."""
        found: Any = self._resolve(self.settings)
        config = getattr(found, "model_config", None)
        if not (isinstance(found, type) and isinstance(config, dict)):
            raise BrokenKindError(
                f"{self.family} {self.name!r}: {self.settings} is not a class of pydantic settings"
            )
        if config.get("extra") != "forbid":
            raise BrokenKindError(
                f"{self.family} {self.name!r}: {self.settings} does not forbid extra keys: misspelt ones would be lost"
            )
        return found

    def builder(self) -> Any:
        """The callable that builds the part. Raises BrokenKindError."""
        found = self._resolve(self.build)
        if not callable(found):
            raise BrokenKindError(f"{self.family} {self.name!r}: {self.build} cannot be called")
        return found

    def _resolve(self, reference: str) -> Any:
        try:
            return pkgutil.resolve_name(reference)
        except (ImportError, AttributeError) as error:
            raise BrokenKindError(
                f"{self.family} {self.name!r}: cannot import {reference} ({type(error).__name__})"
            ) from error
