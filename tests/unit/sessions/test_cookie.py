"""Our cookies, as header fields."""

from __future__ import annotations

import pytest

from sumun.sessions.cookie import LOGIN, SESSION, drop_cookie, set_cookie


def test_set() -> None:
    """A cookie of ours is for this host alone, over TLS alone, and no script reads it (RFC 6265bis 4.1.3.2)."""
    field = (b"set-cookie", b"__Host-sumun_session=smn_se_x; Path=/; Secure; HttpOnly; SameSite=Lax")
    assert set_cookie(SESSION, "smn_se_x") == field
    assert set_cookie(LOGIN, "x", 600)[1].endswith(b"; Max-Age=600")


def test_drop() -> None:
    """Taken away with the same attributes: a browser refuses a `__Host-` cookie without them."""
    attributes = b"; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
    assert drop_cookie(SESSION) == (b"set-cookie", b"__Host-sumun_session=" + attributes)


@pytest.mark.parametrize(
    "value", ["", "a b", "a;b", 'a"b', "a,b", "a\r\nSet-Cookie: x=y", "수문", "x" * 5000]
)
def test_what_no_cookie_can_hold(value: str) -> None:
    """No value changes what the field says beside it."""
    with pytest.raises(ValueError, match="cookie of ours"):
        set_cookie(SESSION, value)


def test_only_ours() -> None:
    """Nobody else's cookie is set."""
    with pytest.raises(ValueError, match="name of ours"):
        set_cookie("session", "x")
