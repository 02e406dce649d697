"""What an authentication server says is one of three answers, or it is not used."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.login.http_answer import (
    MAX_ANSWER_BYTES,
    Accepted,
    BadAnswerError,
    Refused,
    Unknown,
    read_answer,
)

JSON = "application/json"


def read(members: Any) -> object:
    """What these members say."""
    return read_answer(200, JSON, json.dumps(members).encode())


def test_the_three_answers() -> None:
    """Accepted, rejected for a reason, not mine."""
    dave = {"outcome": "accepted", "subject": "dave", "name": "Dave 데이브", "roles": ["user"]}
    assert read(dave) == Accepted("dave", "Dave 데이브", ["user"])
    assert read({"outcome": "accepted", "subject": "dave"}) == Accepted("dave", "", [])
    for reason in ("bad_credentials", "disabled", "expired"):
        assert read({"outcome": "rejected", "reason": reason}) == Refused(reason)  # type: ignore[arg-type]
    assert read({"outcome": "not_mine"}) == Unknown()


@pytest.mark.parametrize(
    "members",
    [
        {},
        [],
        "accepted",
        None,
        {"outcome": "yes"},
        {"outcome": None},
        {"outcome": "Accepted", "subject": "dave"},
        {"outcome": "accepted"},
        {"outcome": "accepted", "subject": ""},
        {"outcome": "accepted", "subject": None},
        {"outcome": "accepted", "subject": 7},
        {"outcome": "accepted", "subject": "dave\n"},
        {"outcome": "accepted", "subject": "da ve"},
        {"outcome": "accepted", "subject": "a" * 129},
        {"outcome": "accepted", "subject": "dave", "name": ""},
        {"outcome": "accepted", "subject": "dave", "name": "x" * 257},
        {"outcome": "accepted", "subject": "dave", "roles": "user"},
        {"outcome": "accepted", "subject": "dave", "roles": [1]},
        {"outcome": "accepted", "subject": "dave", "roles": ["x" * 65]},
        {"outcome": "accepted", "subject": "dave", "roles": ["x"] * 65},
        {"outcome": "accepted", "subject": "dave", "access_token": "x"},
        {"outcome": "accepted", "subject": "dave", "permissions": ["*:*"]},
        {"outcome": "accepted", "subject": "dave", "expires_in": 3600},
        {"outcome": "rejected"},
        {"outcome": "rejected", "reason": "because"},
        {"outcome": "rejected", "reason": "disabled", "subject": "dave"},
        {"outcome": "not_mine", "subject": "dave"},
        {"error": "invalid_grant"},
    ],
)
def test_everything_else(members: Any) -> None:
    """Another outcome, another type, a member too many (a token, for one) or too few: not an answer."""
    with pytest.raises(BadAnswerError):
        read(members)


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (201, JSON, b'{"outcome":"not_mine"}'),
        (204, JSON, b""),
        (302, JSON, b'{"outcome":"not_mine"}'),
        (401, JSON, b'{"outcome":"rejected","reason":"bad_credentials"}'),
        (500, JSON, b'{"outcome":"not_mine"}'),
        (200, "", b'{"outcome":"not_mine"}'),
        (200, "text/html", b'{"outcome":"not_mine"}'),
        (200, "application/json; charset=latin-1", b'{"outcome":"not_mine"}'),
        (200, "application/problem+json", b'{"outcome":"not_mine"}'),
        (200, JSON, b""),
        (200, JSON, b"null"),
        (200, JSON, b'{"outcome":"not_mine"} {}'),
        (200, JSON, b'{"outcome":"not_mine","outcome":"rejected"}'),
        (200, JSON, b'{"outcome":"not_mine"' + b" " * MAX_ANSWER_BYTES + b"}"),
        (200, JSON, b"[" * 10_000),
        (200, JSON, '{"outcome":"not_mine"}'.encode("utf-16")),
        (200, JSON, b'\xef\xbb\xbf{"outcome":"not_mine"}'),
    ],
)
def test_other_http(status: int, content_type: str, body: bytes) -> None:
    """Another status (redirects too), another type, no JSON, a name twice, too large: not an answer."""
    with pytest.raises(BadAnswerError):
        read_answer(status, content_type, body)


def test_charset_may_be_said() -> None:
    """A server may say that its JSON is UTF-8."""
    assert read_answer(200, "application/json; charset=utf-8", b'{"outcome":"not_mine"}') == Unknown()


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    """Whatever comes is an answer or is refused, and what it says is not quoted."""
    try:
        read_answer(200, JSON, body)
    except BadAnswerError as error:
        assert str(error).isascii()  # noqa: PT017
