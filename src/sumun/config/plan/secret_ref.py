"""A secret of the configuration: never itself, only where it is read."""

from __future__ import annotations

from dataclasses import dataclass, field

from sumun.config.plan.place import NOWHERE, Place


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret is to be read from: `env:NAME` or `file:PATH` (first line, without the newline)."""

    source: str
    where: Place = field(default=NOWHERE, compare=False)
