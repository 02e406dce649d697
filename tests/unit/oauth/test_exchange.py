"""Requests and answers never show what is secret in them."""

from __future__ import annotations

import pytest

from sumun.oauth.exchange import Request, json_answer
from sumun.oauth.issue import Issued


def test_nothing_secret_in_repr() -> None:
    """Bodies, credentials and tokens stay out of repr, so out of logs and tracebacks."""
    request = Request(
        authorizations=("Basic c2VjcmV0",), body=b"password=secret", headers={b"cookie": (b"a=secret",)}
    )
    answer = json_answer(200, {"access_token": "secret"})
    for shown in (request, answer, Issued("secret", 1, frozenset())):
        assert "secret" not in repr(shown)
        assert "c2VjcmV0" not in repr(shown)


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ((b"a=1; b=2",), "1"),
        ((b"b=2;a=1=1",), "1=1"),
        ((b"b=2", b"a=1"), "1"),
        ((b"a=",), ""),
        ((b"a=1; a=1",), None),
        ((b"a=1", b"a=2"), None),
        ((b"a", b"xa=1"), None),
        ((), None),
    ],
)
def test_a_cookie(lines: tuple[bytes, ...], value: str | None) -> None:
    """A cookie is read wherever it stands; of two with one name, nobody can say which is ours."""
    assert Request(headers={b"cookie": lines}).cookie("a") == value


def test_one_header() -> None:
    """A header that is there twice is as good as none."""
    request = Request(headers={b"dpop": (b"a", b"b"), b"accept": (b"text/html",)})
    assert (request.one(b"accept"), request.one(b"dpop"), request.one(b"host")) == ("text/html", None, None)
