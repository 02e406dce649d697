"""The header fields of the pages."""

from __future__ import annotations

import pytest

from sumun.pages import form_target, page_headers


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("https://shop.example/back?x=1", "https://shop.example"),
        ("https://user@shop.example:8443/back", "https://shop.example:8443"),
        ("http://127.0.0.1:51004/callback", "http://127.0.0.1:51004"),
        ("http://[::1]:51004/callback", "http:"),
        ("com.example.app:/back", "com.example.app:"),
    ],
)
def test_where_a_form_may_end(uri: str, source: str) -> None:
    """A redirect URI becomes its origin, or its scheme where Content-Security-Policy has no words for the origin."""
    assert form_target(uri) == source


def test_a_policy_names_no_more_than_asked() -> None:
    """Beside ourselves, forms go to the given addresses only; scripts only where a page has ours."""
    plain, other = (
        dict(page_headers(*args))[b"content-security-policy"].decode().split("; ")
        for args in ((), (["https://b.example/x", "https://a.example/y", "https://a.example/z"],))
    )
    assert "form-action 'self'" in plain
    assert "form-action 'self' https://a.example https://b.example" in other
    assert not any(part.startswith("script-src") for part in (*plain, *other))
    assert b"script-src 'self'" in dict(page_headers(script=True))[b"content-security-policy"]
