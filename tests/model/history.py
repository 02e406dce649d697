"""What was true when, and what may still be answered: the specification that everything else is measured against.

Everything that a decision depends on has a history of versions. An older version may be answered on a node until a
newer one is *in force* there: its change was confirmed by every live process of that node (then a changing call
returns), or the published bound has passed since it was published.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any


class BrokenPromiseError(AssertionError):
    """Something that docs/freshness.md promises did not hold."""


@dataclass(eq=False)
class Version:
    """One version of one thing. `n` is its change's number once it is published, at the steady second `published`."""

    value: Any
    n: int = 0
    published: float | None = None
    confirmed_on: set[str] = field(default_factory=set)

    def is_in_force(self, node: str, steady: float, bound: float) -> bool:
        return node in self.confirmed_on or (self.published is not None and steady >= self.published + bound)


class History:
    """The versions of each thing, oldest first."""

    def __init__(self) -> None:
        self._versions: dict[str, list[Version]] = defaultdict(list)

    def begin(self, thing: str, value: Any) -> None:
        """Nothing was before it."""
        self._versions[thing] = [Version(value)]

    def add(self, thing: str, value: Any) -> Version:
        version = Version(value)
        self._versions[thing].append(version)
        return version

    def now(self, thing: str) -> Any:
        return self._versions[thing][-1].value

    def admissible(self, thing: str, node: str, steady: float, bound: float) -> list[Any]:
        """The versions that may be answered: the last one in force, and everything after it."""
        versions = self._versions[thing]
        for index in range(len(versions) - 1, 0, -1):
            if versions[index].is_in_force(node, steady, bound):
                return [version.value for version in versions[index:]]
        return [version.value for version in versions]
