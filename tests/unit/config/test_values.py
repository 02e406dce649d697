"""The kinds of value take what they say, and refuse the rest with a sentence."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sumun.config.plan import SecretRef
from sumun.config.refused import RefusedError
from sumun.config.scalars import Ambiguous, Empty, bare
from sumun.config.values import (
    Duration,
    Flag,
    Marker,
    Number,
    OneOf,
    Reading,
    RoleName,
    Secret,
    Section,
    Size,
    Text,
)

READING = Reading(PurePosixPath("/etc/sumun"), frozenset({"admin", "user"}))
ONE = OneOf({"opaque": 1, "jwt": 2})
EVERY: list[Marker[Any]] = [
    Text("name", "[a-z]+", "small letters"),
    ONE,
    Flag(),
    Number(1, 64),
    Duration("1s", "1h"),
    Duration("1s", "1h", seconds=True),
    Size("1KiB", "1MiB"),
    Secret(),
    Secret(words=("embedded",)),
    RoleName(),
]


@pytest.mark.parametrize(
    ("marker", "raw", "value"),
    [
        (EVERY[0], "abc", "abc"),
        (ONE, "jwt", 2),
        (Flag(), False, False),
        (Number(1, 64), 64, 64),
        (Duration("1s", "1h"), "1s", 1000),
        (Duration("1s", "1h", seconds=True), "1h", 3600),
        (Size("1KiB", "1MiB"), "1MiB", 1 << 20),
        (Secret(), "env:A_1", SecretRef("env:A_1")),
        (Secret(), "file:a/b c", SecretRef("file:/etc/sumun/a/b c")),
        (Secret(), "file:/a", SecretRef("file:/a")),
        (Secret(), "file:../a", SecretRef("file:/etc/sumun/../a")),
        (Secret(words=("embedded",)), "embedded", SecretRef("")),
        (RoleName(), "admin", "admin"),
    ],
)
def test_taken(marker: Marker[Any], raw: object, value: object) -> None:
    """A value within the bounds is taken, the bounds included."""
    assert marker.read(raw, READING) == value


@pytest.mark.parametrize(
    ("marker", "raw"),
    [(EVERY[0], raw) for raw in ("", "A", "a1", "a\n")]
    + [(ONE, raw) for raw in ("", "Jwt", "saml")]
    + [(Flag(), raw) for raw in ("true", "yes", 1, 0, "")]
    + [(Number(1, 64), raw) for raw in (0, 65, "7", 7.0, True)]
    + [(Duration("1s", "1h"), raw) for raw in ("999ms", "61m", 5, 5.5, True, "5")]
    + [(Duration("1s", "1h", seconds=True), "1500ms")]
    + [(Size("1KiB", "1MiB"), raw) for raw in ("1023B", "2MiB", 2048)]
    + [
        (Secret(), raw)
        for raw in (
            "x",
            "env:",
            "env:1A",
            "env:A-B",
            "file:",
            "file:a/",
            "file:~/a",
            "file:a\nb",
            "File:a",
            "embedded",
        )
    ]
    + [(RoleName(), raw) for raw in ("Admin", "amdin", "")],
)
def test_refused(marker: Marker[Any], raw: object) -> None:
    """A value outside is refused with a sentence."""
    with pytest.raises(RefusedError) as caught:
        marker.read(raw, READING)
    assert caught.value.what


@pytest.mark.parametrize("marker", EVERY)
@pytest.mark.parametrize(
    "raw", [[], {}, ["a"], {"a": 1}, Empty(), bare("yes"), bare("0755"), bare("2026-11-23"), bare("")]
)
def test_shapes_and_ambiguous_words_are_refused(marker: Marker[Any], raw: object) -> None:
    """No kind of value takes a list, a mapping, nothing, or a word with two meanings."""
    with pytest.raises(RefusedError) as caught:
        marker.read(raw, READING)
    assert caught.value.what
    assert not isinstance(raw, Ambiguous) or raw.kind


@given(
    st.sampled_from(EVERY),
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.lists(st.text())
    | st.text().map(bare),
)
def test_nothing_else_happens(marker: Marker[Any], raw: object) -> None:
    """Whatever the value is, it is taken or refused."""
    try:
        marker.read(raw, READING)
    except RefusedError:
        return


@pytest.mark.parametrize(
    "secret", ["hunter2", "env:hunter2!", "vault:hunter2", "file:~hunter2", "file:hunter2/"]
)
def test_a_refused_secret_is_not_repeated(secret: str) -> None:
    """What a reader says of a secret holds nothing of it."""
    with pytest.raises(RefusedError) as caught:
        Secret().read(secret, READING)
    assert "hunter2" not in f"{caught.value.what} {caught.value.allowed} {caught.value.mend} {caught.value}"


@given(st.integers(1000, 3_600_000))
def test_defaults_are_shown_as_they_are_written(milliseconds: int) -> None:
    """What the documentation shows as a default reads back as the default."""
    duration = Duration("1s", "1h")
    assert duration.read(duration.show(milliseconds), READING) == milliseconds


class Some(Section):
    """A settings class as a plug-in writes it."""

    wait: Annotated[int, Duration("1s", "1h")] = 2000
    secret: Annotated[SecretRef, Secret()] | None = None
    role: Annotated[str, RoleName()] = "user"


def test_a_settings_class_reads_and_dumps_json() -> None:
    """Through pydantic: values are read with the folder and the roles of the file, and dumped as JSON values."""
    some = Some.model_validate({"wait": "5s", "secret": "file:x", "role": "admin"}, context=READING)
    assert some.model_dump(mode="json") == {"wait": 5000, "secret": "file:/etc/sumun/x", "role": "admin"}
    assert Some.model_validate({}, context=READING).model_dump(mode="json") == {
        "wait": 2000,
        "secret": None,
        "role": "user",
    }


def test_a_settings_class_refuses() -> None:
    """All at once, unknown keys too, with the parts of the sentence."""
    with pytest.raises(ValidationError) as caught:
        Some.model_validate({"wait": 5, "secret": Empty(), "role": "nobody", "x": 1}, context=READING)
    errors = {error["loc"]: error for error in caught.value.errors()}
    assert errors["wait",]["ctx"]["what"] == "has no unit"
    assert errors["secret",]["ctx"]["what"] == "there is no value"
    assert errors["role",]["ctx"]["allowed"] == "admin, user"
    assert errors["x",]["type"] == "extra_forbidden"
