"""How people prove who they are, and how long a browser is believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sumun.config.plan.place import NOWHERE, Place

KEPT_OF_IDLE = 4
"""What is kept of a session lives for this part of its idle limit."""


@dataclass(frozen=True, slots=True)
class Authenticator:
    """One configured way to prove who you are: the name in login chains, its kind, and its checked settings.

    `settings` is the kind's settings class dumped as JSON values, under the names of the YAML: durations are numbers in
    the unit of the class (milliseconds or seconds), a secret is its reference (`env:NAME`, `file:/absolute/path`).
    """

    name: str
    kind: str
    settings: Mapping[str, Any]
    where: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How long a browser's login lasts: `idle` without any use, `absolute` in any case."""

    idle_seconds: int = 1800
    absolute_seconds: int = 43_200

    @property
    def kept_seconds(self) -> int:
        """What is kept of it without asking lives for so long at most: asking is what shows that it is in use."""
        return max(1, self.idle_seconds // KEPT_OF_IDLE)
