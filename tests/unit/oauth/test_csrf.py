"""Forms that only our own pages can send."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from sumun.oauth.csrf import COOKIE, FIELD, ForgedFormError, FormKey, demand_own_form
from sumun.oauth.exchange import Request

OURS = {b"origin": b"https://gate.example", b"sec-fetch-site": b"same-origin", b"host": b"gate.example"}


def request(headers: Mapping[bytes, bytes | tuple[bytes, ...]], key: str | None) -> Request:
    """A POST of a browser that has this key in its cookie."""
    cookie = {} if key is None else {b"cookie": (f"{COOKIE}={key}".encode(),)}
    many = {name: value if isinstance(value, tuple) else (value,) for name, value in headers.items()}
    return Request(headers=many | cookie)


def shown(purpose: str) -> tuple[str, str]:
    """The key of a browser, and what stands in the form that it was shown."""
    key = FormKey.of(Request())
    return key.key, key.field(purpose).value


@pytest.mark.parametrize("missing", [(), (b"origin",), (b"sec-fetch-site",), (b"origin", b"sec-fetch-site")])
def test_our_own_form_is_taken(missing: tuple[bytes, ...]) -> None:
    """A form of ours is taken, from browsers that say where it stood and from those that do not."""
    key, proof = shown("login:abc")
    headers = {name: value for name, value in OURS.items() if name not in missing}
    demand_own_form(request(headers, key), {FIELD: proof}, "login:abc")


@pytest.mark.parametrize(
    "headers",
    [
        {b"origin": b"https://evil.example"},
        {b"origin": b"https://gate.example.evil.example"},
        {b"origin": b"https://gate.example:444"},
        {b"origin": b"null"},
        {b"origin": b""},
        {b"origin": b"://gate.example"},
        {b"origin": b"ftp://gate.example"},
        {b"origin": (b"https://gate.example", b"https://gate.example")},
        {b"sec-fetch-site": b"cross-site"},
        {b"sec-fetch-site": b"same-site"},
        {b"sec-fetch-site": b"none"},
        {b"sec-fetch-site": (b"same-origin", b"cross-site")},
        {b"host": b""},
    ],
)
def test_another_site_sends_nothing(headers: Mapping[bytes, bytes | tuple[bytes, ...]]) -> None:
    """A browser that says the form stood elsewhere is believed, though cookie and field are right."""
    key, proof = shown("login")
    with pytest.raises(ForgedFormError):
        demand_own_form(request(OURS | dict(headers), key), {FIELD: proof}, "login")


def test_another_form_another_browser() -> None:
    """What one form holds opens no other form, in no other browser, and nothing without a cookie."""
    key, proof = shown("account:sid_1")
    other, _ = shown("account:sid_1")
    for held, said, purpose in [
        (key, proof, "account:sid_2"),
        (other, proof, "account:sid_1"),
        (None, proof, "account:sid_1"),
        (key, "", "account:sid_1"),
        (key, proof[:-1], "account:sid_1"),
        (key, "é" * 43, "account:sid_1"),
        ("", "", "account:sid_1"),
        ("short", proof, "account:sid_1"),
    ]:
        with pytest.raises(ForgedFormError):
            demand_own_form(request(OURS, held), {FIELD: said}, purpose)


def test_the_cookie_is_of_this_host_alone() -> None:
    """The cookie can be set and read by no other host and no script; a browser that has one gets no other."""
    key = FormKey.of(Request())
    ((name, cookie),) = key.cookies
    assert name == b"set-cookie"
    assert cookie.decode() == f"__Host-sumun_csrf={key.key}; Path=/; Secure; HttpOnly; SameSite=Lax"
    again = FormKey.of(request({}, key.key))
    assert again.cookies == ()
    assert again.field("x") == key.field("x")


def test_the_field_tells_nothing_of_the_cookie() -> None:
    """Neither a page nor repr shows the key."""
    key = FormKey.of(Request())
    assert key.key not in key.field("login").value
    assert key.key not in repr(key)
