"""Catalogue: one table of all kinds, ours and those of other distributions."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import entry_points

from sumun.plugins.errors import BrokenKindError, DuplicateKindError, UnknownKindError
from sumun.plugins.kind import Kind

ENTRY_POINT_GROUP = "sumun.kinds"


class Catalogue:
    """All kinds that exist, by family and name. Immutable."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        """Take the kinds in. Raises DuplicateKindError when two kinds of one family have one name."""
        self._kinds: dict[tuple[str, str], Kind] = {}
        for kind in kinds:
            first = self._kinds.setdefault((kind.family, kind.name), kind)
            if first is not kind:
                raise DuplicateKindError(
                    f"two kinds of {kind.family} are named {kind.name!r}: {first.build} and {kind.build}; "
                    "remove one of them"
                )

    def find(self, family: str, name: str) -> Kind:
        """The kind. Raises UnknownKindError with the list of what exists."""
        kind = self._kinds.get((family, name))
        if kind is None:
            exist = ", ".join(self.names(family)) or "none"
            raise UnknownKindError(f"there is no {family} of kind {name[:80]!r}; kinds that exist: {exist}")
        return kind

    def names(self, family: str) -> tuple[str, ...]:
        """The names of one family's kinds, sorted."""
        return tuple(sorted(name for of, name in self._kinds if of == family))


def installed_kinds() -> tuple[Kind, ...]:
    """The kinds of other distributions: every entry point of the group `sumun.kinds` is a Kind or an iterable of Kinds.

    Sorted by the entry point's name. Raises BrokenKindError for one that cannot be imported or is something else.
    """
    found: list[Kind] = []
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: (point.name, point.value)):
        try:
            loaded = point.load()
        except (ImportError, AttributeError) as error:
            raise BrokenKindError(
                f"entry point {point.name!r}: cannot import {point.value} ({type(error).__name__})"
            ) from error
        kinds = (loaded,) if isinstance(loaded, Kind) else loaded
        if not isinstance(kinds, Iterable):
            raise BrokenKindError(f"entry point {point.name!r}: {point.value} is not a Kind")
        for kind in kinds:
            if not isinstance(kind, Kind):
                raise BrokenKindError(
                    f"entry point {point.name!r}: {point.value} holds something that is not a Kind"
                )
            found.append(kind)
    return tuple(found)
