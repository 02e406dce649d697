"""What may be a secret is shown nowhere, and what is none is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.config.masking import Span, is_harmless, masked_line, masked_text, sounds_secret, without_user_part


@pytest.mark.parametrize(
    "name",
    [
        "secret",
        "client_secret",
        "password",
        "passphrase",
        "bind_pwd",
        "credentials",
        "private_key",
        "API-Key",
        "apikey",
        "dsn",
        "store",
        "directory",
        "Secret",
    ],
)
def test_names_that_sound_secret(name: str) -> None:
    """Whatever a plug-in calls its secret, the name is known."""
    assert sounds_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "tokens",
        "kind",
        "path",
        "identity_token",
        "token_size",
        "url",
        "password_checks_at_once",
        "key",
    ],
)
def test_names_that_do_not(name: str) -> None:
    """Settings that hold words are shown, for a mistyped word must be seen."""
    assert not sounds_secret(name)


@pytest.mark.parametrize(
    "text", ["env:BATCH_SECRET", "file:/run/secret", "file:a.secret", "embedded", "sqlite"]
)
def test_references_are_harmless(text: str) -> None:
    """A reference says where a secret is, not what."""
    assert is_harmless(text)


@pytest.mark.parametrize(
    "text", ["hunter2", "123456", "true", "env:hunter 2", "file:", "env:", "vault:x", "redis://h"]
)
def test_everything_else_is_not(text: str) -> None:
    """What only looks a little like a reference is hidden."""
    assert not is_harmless(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://u:p@h/x", "http://***@h/x"),
        ("redis://:p@h", "redis://***@h"),
        ("postgres://u:p@ss@h", "postgres://***@h"),
        ("http://h/x", "http://h/x"),
        ("alice@example.com", "alice@example.com"),
        ("{url: http://a, id: x@y}", "{url: http://a, id: x@y}"),
        ("http:/u:p@h", "http:/***@h"),
    ],
)
def test_user_parts(text: str, shown: str) -> None:
    """Everything between the scheme and the last @ of a URL is hidden, and nothing else."""
    assert without_user_part(text) == shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  - {id: a, secret: x, grants: [y}", "  - {id: a, secret: ***"),
        ('password = "x"', "password = ***"),
        ("secret:", "secret:"),
        ("  - {id: a, kind: b", "  - {id: a, kind: b"),
        ('"client_secret": x', '"client_secret": ***'),
    ],
)
def test_lines_that_are_no_yaml(line: str, shown: str) -> None:
    """Without nodes, everything behind a name that sounds secret is hidden."""
    assert masked_text(line) == shown


def test_marks_move_with_the_mask() -> None:
    """What stands behind a hidden value is still found."""
    line = "a: secret-value, b: c"
    shown, moved = masked_line(line, 1, [Span((1, 4), (1, 16))])
    assert shown == "a: ***, b: c"
    assert shown[moved[line.index("b")]] == "b"
    assert moved[3] == 3
    assert moved[16] == moved[len("a: secret-value")] + 1


def test_a_value_over_several_lines() -> None:
    """Each of its lines is hidden where the value stands in it."""
    span = Span((1, 9), (3, 3))
    lines = ["secret: 'a", "b", "c', x: y"]
    assert [masked_line(line, i, [span])[0] for i, line in enumerate(lines, 1)] == [
        "secret: ***",
        "***",
        "***, x: y",
    ]


@given(st.text("ab:/@ ,", max_size=30), st.integers(1, 30), st.integers(0, 10))
def test_nothing_of_a_span_is_shown(line: str, start: int, length: int) -> None:
    """A hidden piece is gone, the rest is there, and every index leads into what is shown."""
    secret = "S" * length
    at = min(start - 1, len(line))
    shown, moved = masked_line(line[:at] + secret + line[at:], 1, [Span((1, at + 1), (1, at + 1 + length))])
    assert "S" not in shown
    assert len(moved) == len(line) + length + 1
    assert all(0 <= index <= len(shown) for index in moved)
    assert moved == sorted(moved)
