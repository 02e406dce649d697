"""The authorization response in each of its modes."""

from __future__ import annotations

import pytest

from sumun.oauth.authorize.reply import Reply, ReplyTo, ResponseMode, reply

ISSUER = "https://gw.example.com"


@pytest.mark.parametrize(
    ("to", "address"),
    [
        (ReplyTo("https://a.example/b"), "https://a.example/b?code=c&iss=https%3A%2F%2Fgw.example.com"),
        (ReplyTo("https://a.example/b?"), "https://a.example/b?code=c&iss=https%3A%2F%2Fgw.example.com"),
        (
            ReplyTo("https://a.example/b?x=1&x=2", state="s"),
            "https://a.example/b?x=1&x=2&code=c&state=s&iss=https%3A%2F%2Fgw.example.com",
        ),
        (
            ReplyTo("https://a.example/b?x=1", ResponseMode.FRAGMENT, "a b&c#d"),
            "https://a.example/b?x=1#code=c&state=a+b%26c%23d&iss=https%3A%2F%2Fgw.example.com",
        ),
        (ReplyTo("com.example.app:/b"), "com.example.app:/b?code=c&iss=https%3A%2F%2Fgw.example.com"),
    ],
)
def test_in_the_address(to: ReplyTo, address: str) -> None:
    """The registered query stays (RFC 6749 3.1.2), everything is encoded, we are named (RFC 9207)."""
    assert reply(to, {"code": "c"}, ISSUER) == Reply(address)


def test_as_a_form() -> None:
    """form_post: the address as it is, and the fields."""
    to = ReplyTo("https://a.example/b?x=1", ResponseMode.FORM_POST, '"><script>')
    assert reply(to, {"code": "c"}, ISSUER) == Reply(
        "https://a.example/b?x=1", {"code": "c", "state": '"><script>', "iss": ISSUER}
    )


def test_nothing_secret_in_repr() -> None:
    """A code or a state never shows in logs of a value."""
    to = ReplyTo("https://a.example/b", state="hidden")
    assert "hidden" not in repr(to) + repr(reply(to, {"code": "hidden"}, ISSUER))
