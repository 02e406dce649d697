"""The kinds of value that a setting may hold: how each is read, shown and named. For settings classes, plug-ins' too.

A settings class writes `timeout: Annotated[int, Duration()] = 2000`: the marker reads the YAML value, says what is
wrong with it in full, and tells the documentation its name and how to show a default. Values come from
`config.checking`: text, bool, int, float, list, dict, or what no setting takes (`Ambiguous`, `Empty`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath, PurePosixPath
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from sumun.config import units
from sumun.config.closest import closest
from sumun.config.plan import SecretRef
from sumun.config.problems import did_you_mean
from sumun.config.refused import RefusedError
from sumun.config.scalars import Ambiguous, Empty

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader may know beside the value: the folder of the file, and the roles that the file defines."""

    folder: PurePath = field(default_factory=PurePosixPath)
    roles: frozenset[str] = frozenset()


class Marker(Generic[T]):
    """One kind of value. Subclasses say how to read it; `word` names it in the documentation."""

    word: str = "value"

    def read(self, raw: object, reading: Reading) -> T:
        """The value. Raises RefusedError."""
        raise RefusedError("cannot be set")

    def show(self, value: T) -> str:
        """The value as it would stand in YAML."""
        return str(value)

    def dump(self, value: T) -> Any:
        """The value as JSON: what an Authenticator's settings hold."""
        return value

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic call `read` and `dump`."""
        return core_schema.with_info_plain_validator_function(
            self._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(self.dump, when_used="json"),
        )

    def _validate(self, raw: object, info: ValidationInfo) -> T:
        reading = info.context if isinstance(info.context, Reading) else Reading()
        try:
            return self.read(raw, reading)
        except RefusedError as error:
            parts = {"what": error.what, "allowed": error.allowed, "mend": error.mend}
            raise PydanticCustomError("refused", "{what}", parts) from None


def text_of(raw: object, allowed: str) -> str:
    """The text of a value that must be text. Raises RefusedError."""
    match raw:
        case str():
            return raw
        case Ambiguous():
            mend = f'write "{raw.text}" in quotes for text'
            raise RefusedError(f"without quotes is {raw.kind} in YAML 1.1", allowed, mend)
        case bool() | int() | float():
            shown = str(raw).lower()
            raise RefusedError("is not text without quotes", allowed, f'write "{shown}" in quotes for text')
    raise _not_one_value(raw, allowed)


def _not_one_value(raw: object, allowed: str) -> RefusedError:
    match raw:
        case Empty():
            return RefusedError("there is no value", allowed, "write one, or remove the name")
        case list():
            return RefusedError("a list cannot stand here", allowed)
        case Mapping():
            return RefusedError("a mapping cannot stand here", allowed)
    return RefusedError("cannot stand here", allowed)


@dataclass(frozen=True, eq=False)
class Text(Marker[str]):
    """Text that fits a pattern as a whole."""

    word: str = "text"
    pattern: str = r"[^\x00-\x1f\x7f]{1,1000}"
    allowed: str = "text of 1 to 1000 characters"

    def read(self, raw: object, reading: Reading) -> str:
        """The text itself."""
        text = text_of(raw, self.allowed)
        if re.fullmatch(self.pattern, text) is None:
            lower = text.lower()
            mend = f"write {lower}" if lower != text and re.fullmatch(self.pattern, lower) else ""
            raise RefusedError(f"cannot be {_article(self.word)}", self.allowed, mend)
        return text


def _article(word: str) -> str:
    return word if word == "text" else f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


@dataclass(frozen=True, eq=False)
class OneOf(Marker[T]):
    """One of a few words. `words` maps each to the value that it stands for."""

    words: Mapping[str, T]

    @property
    def word(self) -> str:  # type: ignore[override]
        """The words."""
        return " or ".join(f"`{word}`" for word in self.words)

    def read(self, raw: object, reading: Reading) -> T:
        """What the word stands for."""
        allowed = ", ".join(self.words)
        text = text_of(raw, allowed)
        if text not in self.words:
            raise RefusedError("is not one of the words", allowed, did_you_mean(closest(text, self.words)))
        return self.words[text]


@dataclass(frozen=True, eq=False)
class Flag(Marker[bool]):
    """`true` or `false`."""

    word: str = "`true` or `false`"

    def read(self, raw: object, reading: Reading) -> bool:
        """Only these two words: `yes`, `on` and `1` mean other things to other readers."""
        match raw:
            case bool():
                return raw
            case Ambiguous() if raw.truth is not None:
                what = f"is {raw.truth} in YAML 1.1 and text in YAML 1.2"
                raise RefusedError(what, "true or false", f"write {raw.truth}")
            case str() if raw in ("true", "false"):
                raise RefusedError("in quotes is text", "true or false", f"write {raw} without quotes")
            case list() | Mapping() | Empty():
                raise _not_one_value(raw, "true or false")
        raise RefusedError("is neither true nor false", "true or false")

    def show(self, value: bool) -> str:  # noqa: FBT001
        """As YAML."""
        return str(value).lower()


@dataclass(frozen=True, eq=False)
class Number(Marker[int]):
    """A whole number within bounds."""

    least: int
    most: int

    @property
    def word(self) -> str:  # type: ignore[override]
        """With the bounds."""
        return f"number, {self.least} to {self.most}"

    def read(self, raw: object, reading: Reading) -> int:
        """Plain decimal digits, without quotes."""
        allowed = f"a whole number from {self.least} to {self.most}"
        match raw:
            case bool() | float():
                raise RefusedError("is not a whole number", allowed)
            case int():
                if not self.least <= raw <= self.most:
                    raise RefusedError("is too small" if raw < self.least else "is too large", allowed)
                return raw
            case Ambiguous() if re.fullmatch(r"-?[1-9][0-9]+", raw.text):
                raise RefusedError("is too small" if raw.text.startswith("-") else "is too large", allowed)
            case Ambiguous() if raw.is_number:
                raise RefusedError(f"is {raw.kind} in YAML 1.1", allowed, "write plain decimal digits")
            case str() if raw.isascii() and raw.isdigit():
                raise RefusedError("in quotes is text", allowed, "write it without quotes")
            case list() | Mapping() | Empty():
                raise _not_one_value(raw, allowed)
        raise RefusedError("is not a whole number", allowed)


@dataclass(frozen=True, eq=False)
class Duration(Marker[int]):
    """A duration within bounds. Milliseconds, or with `seconds` whole seconds."""

    least: str = "1ms"
    most: str = "365d"
    seconds: bool = False

    @property
    def word(self) -> str:  # type: ignore[override]
        """With the bounds."""
        return f"duration, {self.least} to {self.most}"

    def read(self, raw: object, reading: Reading) -> int:
        """The number of units."""
        milliseconds = units.parse_duration(_with_unit(raw, units.DURATIONS))
        allowed = f"{self.least} to {self.most}"
        if milliseconds < units.parse_duration(self.least):
            raise RefusedError("is too short", allowed)
        if milliseconds > units.parse_duration(self.most):
            raise RefusedError("is too long", allowed)
        if not self.seconds:
            return milliseconds
        if milliseconds % 1000:
            raise RefusedError("has parts of a second", f"whole seconds, {allowed}")
        return milliseconds // 1000

    def show(self, value: int) -> str:
        """With units."""
        return units.format_duration(value * 1000 if self.seconds else value)


@dataclass(frozen=True, eq=False)
class Size(Marker[int]):
    """A size in bytes within bounds."""

    least: str
    most: str

    @property
    def word(self) -> str:  # type: ignore[override]
        """With the bounds."""
        return f"size, {self.least} to {self.most}"

    def read(self, raw: object, reading: Reading) -> int:
        """Bytes."""
        size = units.parse_size(_with_unit(raw, units.SIZES))
        allowed = f"{self.least} to {self.most}"
        if size < units.parse_size(self.least):
            raise RefusedError("is too small", allowed)
        if size > units.parse_size(self.most):
            raise RefusedError("is too large", allowed)
        return size

    def show(self, value: int) -> str:
        """With units."""
        return units.format_size(value)


def _with_unit(raw: object, allowed: str) -> str:
    """The text of a duration or a size; a bare number is handed on, for its own problem is the missing unit."""
    match raw:
        case bool():
            return text_of(raw, allowed)
        case int() | float():
            return str(raw)
        case Ambiguous() if raw.is_number:
            raise RefusedError("has no unit", allowed, "write a plain number with its unit")
    return text_of(raw, allowed)


@dataclass(frozen=True, eq=False)
class Secret(Marker[SecretRef]):
    """Where a secret is to be read from. `words` may stand instead and mean None."""

    words: tuple[str, ...] = ()

    @property
    def word(self) -> str:  # type: ignore[override]
        """The forms."""
        return " or ".join([*(f"`{word}`" for word in self.words), "`env:NAME` or `file:PATH`"])

    def read(self, raw: object, reading: Reading) -> SecretRef:
        """The reference; a relative path is taken from the folder of the configuration file."""
        allowed = ", ".join([*self.words, "env:NAME", "file:PATH"])
        text = text_of(raw, allowed)
        how, colon, name = text.partition(":")
        if text in self.words:
            return SecretRef("")
        if not colon or how not in ("env", "file"):
            raise RefusedError(
                "is written into the configuration" if not self.words else "is not one of the forms",
                allowed,
                "put it into a file that only sumun may read, and write file:NAME-OF-THE-FILE here",
            )
        if how == "env":
            if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is None:
                raise RefusedError("does not name an environment variable", allowed, "write env:NAME")
            return SecretRef(text)
        if not name or name.endswith("/") or re.search(r"[\x00-\x1f\x7f]", name):
            raise RefusedError("does not name a file", allowed, "write file:PATH")
        if name.startswith("~"):
            raise RefusedError("begins with ~, which means nothing here", allowed, "write the whole path")
        return SecretRef(f"file:{PurePosixPath(reading.folder) / name}")

    def show(self, value: SecretRef) -> str:
        """The reference, or the word for None."""
        return value.source or self.words[0]

    def dump(self, value: SecretRef) -> Any:
        """The reference as text."""
        return value.source


@dataclass(frozen=True, eq=False)
class FilePath(Marker[str]):
    """A file; a relative path is taken from the folder of the configuration file."""

    word: str = "path"

    def read(self, raw: object, reading: Reading) -> str:
        """The path."""
        path = Text("path", allowed="a path").read(raw, reading)
        return str(PurePosixPath(reading.folder) / path)


@dataclass(frozen=True, eq=False)
class RoleName(Marker[str]):
    """A role that the file defines."""

    word: str = "role"

    def read(self, raw: object, reading: Reading) -> str:
        """The name."""
        allowed = ", ".join(sorted(reading.roles)[:20]) or "none: there is no role under `roles:`"
        text = text_of(raw, allowed)
        if text not in reading.roles:
            raise RefusedError("is not a role", allowed, did_you_mean(closest(text, reading.roles)))
        return text


def by_setting(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a settings class by the names that they have in the YAML."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


class Section(BaseModel):
    """The base of every settings class: unknown keys are errors, and nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)
