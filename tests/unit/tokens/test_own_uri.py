"""URIs that calls come to: whose they are is what we were told, never what a request says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.tokens.own_uri import OwnUris, normal_uri

OURS = OwnUris(
    ["https://gw.example", "http://127.0.0.1:8080", "https://[2001:db8::1]:8443", "https://gw.example:8443"]
)


@pytest.mark.parametrize(
    ("host", "uri"),
    [
        ("gw.example", "https://gw.example/a"),
        ("GW.Example", "https://gw.example/a"),
        ("gw.example:443", "https://gw.example/a"),
        ("gw.example:8443", "https://gw.example:8443/a"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080/a"),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443/a"),
        ("gw.example:80", None),
        ("127.0.0.1", None),
        ("evil.example", None),
        ("gw.example.evil.example", None),
        ("evil.example@gw.example", None),
        ("", None),
    ],
)
def test_a_host_of_ours_has_our_scheme(host: str, uri: str | None) -> None:
    """The scheme is the configured origin's, whatever stands between the client and us; other hosts are nobody."""
    assert OURS.uri(host, "/a") == uri


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://gw.example", "https://gw.example/"),
        ("https://gw.example?q=1", "https://gw.example/"),
        ("HTTPS://GW.example:443/a%7eb/%e2%82%ac?q#f", "https://gw.example/a~b/%E2%82%AC"),
        ("http://gw.example:80/", "http://gw.example/"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("https://gw.example:8443/", "https://gw.example:8443/"),
        ("ftp://gw.example/", None),
        ("https:gw.example", None),
        ("https://gw.example:99999/", None),
        ("https://[::1/", None),
        ("https://user@gw.example/", None),
        ("https://gw.example/a b", None),
        ("//gw.example/", None),
        ("", None),
        ("https://gw.example/" + "a" * 8192, None),
    ],
)
def test_one_spelling(text: str, normal: str | None) -> None:
    """RFC 3986 6.2.2 and 6.2.3, without query and fragment (RFC 9449 4.3)."""
    assert normal_uri(text) == normal


@given(st.text(max_size=60))
def test_it_is_stable(text: str) -> None:
    """Whatever comes, it is read or refused; what is normal stays as it is."""
    normal = normal_uri("https://gw.example/" + text)
    assert normal is None or normal_uri(normal) == normal


@pytest.mark.parametrize("origin", ["gw.example", "https://gw.example/path", "https://u@gw.example", ""])
def test_an_origin_is_no_more(origin: str) -> None:
    """What is no origin is refused at the start."""
    with pytest.raises(ValueError, match="origin"):
        OwnUris([origin])
