"""Requests and answers never show what is secret in them."""

from __future__ import annotations

from sumun.oauth.exchange import Request, json_answer
from sumun.oauth.issue import Issued


def test_nothing_secret_in_repr() -> None:
    """Bodies, credentials and tokens stay out of repr, so out of logs and tracebacks."""
    request = Request(authorizations=("Basic c2VjcmV0",), body=b"password=secret")
    answer = json_answer(200, {"access_token": "secret"})
    for shown in (request, answer, Issued("secret", 1, frozenset())):
        assert "secret" not in repr(shown)
        assert "c2VjcmV0" not in repr(shown)
