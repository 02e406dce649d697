"""How a value of a plan travels as JSON, by its type.

    a class of the plan   its fields; what says nothing (none, false, empty), as by default, is left out
    Place                 [line, column], for one plan has one file; NOWHERE is null
    Permission            its text
    Requirement           its text, {"role": ..}, {"all": [..]} or {"any": [..]}, as in the YAML
    Mapping               an object, in its order
    tuple, frozenset      a list; a sorted one
    an enum               its value

A type that is not here is a TypeError when `wire` is imported, so a new field of the plan is carried or nothing starts.
What comes is decoded to rows first (msgspec, which checks it on the way), and then made what a plan holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import Enum
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec

from sumun.access import AllOf, AnyOf, HasPermission, HasRole, Requirement
from sumun.config.plan import NOWHERE, Place
from sumun.identity import Permission


@dataclass(slots=True)
class Writing:
    """One plan that is written. `file` is where its places are, as far as they were seen."""

    file: str = ""

    def place(self, place: Place) -> list[int] | None:
        """ValueError when it is in another file than those before it."""
        if place == NOWHERE:
            return None
        self.file = self.file or place.file
        if place.file != self.file:
            raise ValueError(f"a plan from two files, {self.file} and {place.file}")
        return [place.line, place.column]


@dataclass(slots=True)
class Reading:
    """One plan that is read. A permission and a requirement that stand many times are made once."""

    file: str
    _permissions: dict[str, Permission] = field(default_factory=dict)
    _requirements: dict[bytes, Requirement] = field(default_factory=dict)

    def place(self, row: tuple[int, int] | None) -> Place:
        """The place in the one file."""
        return NOWHERE if row is None else Place(self.file, *row)

    def permission(self, text: str) -> Permission:
        """Raises InvalidPermissionError."""
        known = self._permissions.get(text)
        if known is None:
            known = self._permissions[text] = Permission.parse(text)
        return known

    def requirement(self, row: msgspec.Raw) -> Requirement:
        """ValueError, TypeError or AttributeError when it is of no sort that this version knows."""
        text = bytes(row)
        known = self._requirements.get(text)
        if known is None:
            known = self._requirements[text] = self._new_requirement(msgspec.json.decode(text))
        return known

    def _new_requirement(self, raw: Any) -> Requirement:
        if isinstance(raw, str):
            return HasPermission(self.permission(raw))
        ((name, inside),) = raw.items()
        match name:
            case "role":
                return HasRole(inside)
            case "all":
                return AllOf(tuple(map(self._new_requirement, inside)))
            case "any":
                return AnyOf(tuple(map(self._new_requirement, inside)))
            case _:
                raise ValueError(f"{name} is no sort of requirement")


Write = Callable[[Any, Writing], Any]
Read = Callable[[Any, Reading], Any]


def _same(value: Any, _: Any) -> Any:
    return value


class Way(NamedTuple):
    """A value to plain values, and a row to the value. `row` is the type that msgspec decodes."""

    row: Any
    write: Write = _same
    read: Read = _same


@cache
def way_of(kind: Any) -> Way:
    """How values of this type travel. Raises TypeError when nobody has said how."""
    if kind in _BY_ITSELF:
        return _BY_ITSELF[kind]
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType) and inner[1:] == (NoneType,):
        return _maybe(way_of(inner[0]))
    if origin is tuple and inner[1:] == (...,):
        return _list_of(way_of(inner[0]))
    if origin is tuple and set(inner) <= {str, int}:
        return Way(kind)
    if origin is frozenset:
        return _set_of(way_of(inner[0]))
    if origin is Mapping and inner[0] is str:
        return _object_of(way_of(inner[1]))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return Way(kind, lambda value, _: value.value)
    return _fields_of(kind)


def _write_requirement(requirement: Requirement, writing: Writing) -> Any:
    match requirement:
        case HasPermission(permission):
            return str(permission)
        case HasRole(role):
            return {"role": role}
        case AllOf(parts):
            return {"all": [_write_requirement(part, writing) for part in parts]}
        case AnyOf(parts):
            return {"any": [_write_requirement(part, writing) for part in parts]}


_BY_ITSELF: Mapping[Any, Way] = {
    **{plain: Way(plain) for plain in (str, int, bool, Any)},
    Place: Way(tuple[int, int] | None, lambda value, to: to.place(value), lambda row, of: of.place(row)),
    Permission: Way(str, lambda value, _: str(value), lambda row, of: of.permission(row)),
    Requirement: Way(msgspec.Raw, _write_requirement, lambda row, of: of.requirement(row)),
}


def _maybe(way: Way) -> Way:
    write, read = way.write, way.read
    return Way(
        way.row | None,
        lambda value, to: None if value is None else write(value, to),
        lambda row, of: None if row is None else read(row, of),
    )


def _list_of(way: Way) -> Way:
    row = tuple[way.row, ...]  # type: ignore[name-defined]
    write = way.write
    return Way(row, lambda value, to: [write(one, to) for one in value], _read_all(way.read, tuple))


def _set_of(way: Way) -> Way:
    row = frozenset[way.row]  # type: ignore[name-defined]
    write = way.write
    return Way(
        row, lambda value, to: sorted([write(one, to) for one in value]), _read_all(way.read, frozenset)
    )


def _read_all(read: Read, made: Callable[[list[Any]], Any]) -> Read:
    return _same if read is _same else lambda rows, of: made([read(one, of) for one in rows])


def _object_of(way: Way) -> Way:
    row = dict[str, way.row]  # type: ignore[name-defined]
    write, read = way.write, way.read
    return Way(
        row,
        lambda value, to: {name: write(one, to) for name, one in value.items()},
        lambda rows, of: MappingProxyType({name: read(one, of) for name, one in rows.items()}),
    )


def _fields_of(kind: Any) -> Way:
    hints = get_type_hints(kind)
    ways = {one.name: way_of(hints[one.name]) for one in fields(kind)}
    silent = {one.name: default for one in fields(kind) if _says_nothing(default := _default_of(one))}
    row = msgspec.defstruct(
        f"{kind.__name__}Row",
        [(name, way.row, *_row_default(silent, name)) for name, way in ways.items()],
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,
    )
    writers = [(name, way.write) for name, way in ways.items()]
    readers = [(at, way.read) for at, way in enumerate(ways.values()) if way.read is not _same]

    def write(value: Any, to: Writing) -> dict[str, Any]:
        plain = {}
        for name, write_one in writers:
            one = getattr(value, name)
            if name not in silent or one != silent[name]:
                plain[name] = write_one(one, to)
        return plain

    def read(row: Any, of: Reading) -> Any:
        values = list(msgspec.structs.astuple(row))
        for at, read_one in readers:
            values[at] = read_one(values[at], of)
        return kind(*values)

    return Way(row, write, read)


def _default_of(one: Field[Any]) -> Any:
    return one.default if one.default_factory is MISSING else one.default_factory()


def _row_default(silent: Mapping[str, Any], name: str) -> tuple[Any, ...]:
    if name not in silent:
        return ()
    return (None if silent[name] is NOWHERE else silent[name],)


def _says_nothing(value: Any) -> bool:
    """Another default may be another one in the next version, so it is written; what says nothing stays so."""
    return value is None or value is False or value is NOWHERE or value in ("", (), frozenset(), {})
