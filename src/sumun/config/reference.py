"""The reference of all settings, made from the settings classes: what `docs/configuration.md` holds as tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from sumun.config.values import Marker, by_setting

NAME = "NAME"  # stands for the key that people choose
ITEM = "[]"  # stands for one item of a list


@dataclass(frozen=True, slots=True)
class Row:
    """One setting, in words."""

    key: str
    type: str
    default: str
    meaning: str
    example: str


def rows(model: type[BaseModel], prefix: str = "") -> Iterator[Row]:
    """Every setting of a class and of the classes in it, in their order."""
    for name, field in by_setting(model).items():
        key = f"{prefix}.{name}" if prefix else name
        annotation = _without_none(_annotated(field))
        yield Row(
            key,
            _type(field, annotation),
            _default(field, annotation),
            field.description or "",
            _example(field),
        )
        inner, below = _inner(annotation)
        if inner is not None:
            yield from rows(inner, f"{key}{below}")


def markdown(model: type[BaseModel], prefix: str = "") -> str:
    """The table of a class."""
    lines = ["| setting | type | default | meaning | example |", "|---|---|---|---|---|"]
    for row in rows(model, prefix):
        cells = (
            f"`{row.key}`",
            row.type,
            row.default,
            row.meaning,
            f"`{row.example}`" if row.example else "",
        )
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines)


def _annotated(field: FieldInfo) -> Any:
    """The annotation as it was written: pydantic keeps the markers of `Annotated` apart."""
    markers = [one for one in field.metadata if isinstance(one, Marker)]
    return Annotated[field.annotation, markers[0]] if markers else field.annotation


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    return next(part for part in get_args(annotation) if part is not NoneType)


def _marker(annotation: Any) -> Marker[Any] | None:
    if get_origin(annotation) is not Annotated:
        return None
    return next((one for one in get_args(annotation)[1:] if isinstance(one, Marker)), None)


def _inner(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """The settings class inside an annotation, and how its keys hang below."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    if get_origin(annotation) in (list, dict):
        inner, below = _inner(get_args(annotation)[-1])
        here = ITEM if get_origin(annotation) is list else f".{NAME}"
        return inner, f"{here}{below}"
    return None, ""


def _type(field: FieldInfo, annotation: Any) -> str:
    return str(_extra(field).get("word") or _word(annotation))


def _word(annotation: Any) -> str:
    marker = _marker(annotation)
    if marker is not None:
        return marker.word
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is list:
        return f"list of {_word(arguments[0])}"
    if origin is dict:
        return f"names with {_word(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "settings"
    plain = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`"}
    return plain.get(annotation, "value")


def _default(field: FieldInfo, annotation: Any) -> str:
    if field.is_required():
        return "required"
    without = _extra(field).get("without")
    if without is not None:
        return str(without)
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or isinstance(value, BaseModel) or value in ([], {}):
        return "none" if value is None or value in ([], {}) else ""
    return f"`{_shown(value, annotation)}`"


def _shown(value: Any, annotation: Any) -> str:
    marker = _marker(annotation)
    if marker is not None:
        return marker.show(value)
    if isinstance(value, list):
        return f"[{', '.join(_shown(item, get_args(annotation)[0]) for item in value)}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _example(field: FieldInfo) -> str:
    return str(field.examples[0]) if field.examples else ""


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
