"""Where a code may be sent: exactly there, and on a loopback address at any port."""

from __future__ import annotations

import pytest

from sumun.oauth.authorize.redirects import may_be_sent_to

REGISTERED = (
    "https://shop.example/back",
    "https://shop.example:8443/back?kind=web",
    "http://127.0.0.1/callback",
    "http://127.0.0.1:7000/fixed",
    "http://[::1]:9000/callback?x=1",
    "http://localhost/callback",
    "com.example.app:/back",
)


@pytest.mark.parametrize(
    "given",
    [
        *REGISTERED,
        "http://127.0.0.1:1/callback",
        "http://127.0.0.1:65535/callback",
        "http://127.0.0.1:51004/fixed",
        "http://[::1]:51004/callback?x=1",
        "http://[::1]/callback?x=1",
    ],
)
def test_may(given: str) -> None:
    """As registered, or with another port on 127.0.0.1 and [::1] (RFC 8252 7.3)."""
    assert may_be_sent_to(given, REGISTERED)


@pytest.mark.parametrize(
    "given",
    [
        "",
        # userinfo
        "https://shop.example@evil.example/back",
        "https://evil.example@shop.example/back",
        "https://shop.example:443@evil.example/back",
        "http://127.0.0.1:80@evil.example/callback",
        "http://127.0.0.1@evil.example/callback",
        # backslash, control, white space, unencoded
        "https://shop.example\\@evil.example/back",
        "https://evil.example\\shop.example/back",
        "https://shop.example/back\r\nset-cookie: a=b",
        "https://shop.example/back ",
        "https://shop.example/back\u0131",
        # another port on an address that is not loopback
        "https://shop.example:443/back",
        "https://shop.example:8444/back?kind=web",
        "http://localhost:8000/callback",
        # path
        "https://shop.example/back/",
        "https://shop.example/back/../evil",
        "https://shop.example/x/../back",
        "https://shop.example//back",
        "https://shop.example/back;x",
        "https://shop.example/%62ack",
        "https://shop.example/BACK",
        "http://127.0.0.1:8000/callback/..",
        "http://127.0.0.1:8000/callback?x=1",
        # host
        "https://shop.example./back",
        "https://SHOP.example/back",
        "https://shop.example.evil.example/back",
        "https://shop%2eexample/back",
        "http://127.0.0.1./callback",
        "http://127.0.0.2:8000/callback",
        "http://127.1:8000/callback",
        "http://0x7f000001/callback",
        "http://2130706433/callback",
        "http://[0:0:0:0:0:0:0:1]:9000/callback?x=1",
        "http://[::ffff:127.0.0.1]/callback",
        "http://localhost.evil.example/callback",
        # port
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:080/callback",
        "http://127.0.0.1:/callback",
        "http://127.0.0.1:8000:9000/callback",
        "http://127.0.0.1:-1/callback",
        # query and fragment
        "https://shop.example/back?",
        "https://shop.example/back?next=https://evil.example",
        "https://shop.example/back#",
        "https://shop.example/back#evil",
        # scheme
        "http://shop.example/back",
        "https://127.0.0.1/callback",
        "HTTPS://shop.example/back",
        "//shop.example/back",
        "/back",
        "javascript:alert(1)//https://shop.example/back",
        "data:text/html,x",
        "com.example.app:/back/x",
        "com.example.app://back",
        "com.example.app:/back?x",
        "*",
    ],
)
def test_may_not(given: str) -> None:
    """Whatever else comes close (RFC 9700 4.1)."""
    assert not may_be_sent_to(given, REGISTERED)


def test_nothing_registered() -> None:
    """A client without an address gets no code anywhere."""
    assert not may_be_sent_to("https://shop.example/back", ())
