"""Addresses, hosts and URLs have one spelling each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.config import network
from sumun.config.plan import Address, ServiceProtocol
from sumun.config.refused import RefusedError


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("[::1]:1", "::1", 1),
        ("[0:0:0:0:0:0:0:1]:65535", "::1", 65535),
        ("0.0.0.0:80", "0.0.0.0", 80),
        ("[2001:DB8::A]:80", "2001:db8::a", 80),
    ],
)
def test_listen(text: str, host: str, port: int) -> None:
    """An IP address and a port; the address in its canonical spelling."""
    assert network.parse_listen(text) == Address(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8080",
        ":8080",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:08",
        "127.0.0.1:+8",
        "::1:80",
        "localhost:80",
        "h:80",
        "127.1:80",
        "0x7f.0.0.1:80",
        "[127.0.0.1:80",
        "[::ffff:127.0.0.1]:80",
        "[fe80::1%lo]:80",
        "127.0.0.1:８０",
    ],
)
def test_what_cannot_be_listened_on(text: str) -> None:
    """No name, no second spelling of a number, no port 0, no zone."""
    with pytest.raises(RefusedError):
        network.parse_listen(text)


@pytest.mark.parametrize(
    ("url", "protocol", "host", "port"),
    [
        ("http://a", ServiceProtocol.HTTP, "a", 80),
        ("https://a.example.com", ServiceProtocol.HTTPS, "a.example.com", 443),
        ("h2c://127.0.0.1:50051", ServiceProtocol.H2C, "127.0.0.1", 50051),
        ("http://[::1]:9", ServiceProtocol.HTTP, "::1", 9),
    ],
)
def test_servers(url: str, protocol: ServiceProtocol, host: str, port: int) -> None:
    """Scheme, host and port; the port goes without saying where the scheme has one."""
    assert network.parse_server(url) == network.Server(protocol, host, port)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a",
        "//a",
        "http:a",
        "http:///",
        "http://a/",
        "http://a/b",
        "http://a?b",
        "http://a#b",
        "http://u@a",
        "http://a:",
        "http://a:0",
        "http://a:x",
        "http://A",
        "http://a b",
        "http://a\n",
        "http://-a",
        "http://a-",
        "http://a..b",
        "http://1.2.3",
        "ftp://a",
        "HTTP://a",
        "http://[::1",
        "http://[a]",
        "http://[::1]x:1",
        f"http://{'a' * 64}",
        f"http://{'a.' * 130}a",
    ],
)
def test_what_is_no_server(url: str) -> None:
    """No path, no user, no odd host, no odd port."""
    with pytest.raises(RefusedError):
        network.parse_server(url)


@pytest.mark.parametrize(
    "origin", ["https://gate.example.com", "http://127.0.0.1:8080", "https://[2001:db8::1]:8443"]
)
def test_issuers(origin: str) -> None:
    """Scheme, host, and a port where it is not the scheme's own."""
    assert network.parse_origin(origin) == origin


@pytest.mark.parametrize(
    "origin",
    [
        "https://a/",
        "https://a/b",
        "https://a:443",
        "http://a:80",
        "h2c://a",
        "https://A",
        "https://u@a",
        "a",
        "",
    ],
)
def test_what_is_no_issuer(origin: str) -> None:
    """What clients compare as text must have one spelling."""
    with pytest.raises(RefusedError):
        network.parse_origin(origin)


@pytest.mark.parametrize(
    "uri",
    [
        "https://a/b?c",
        "http://127.0.0.1/cb",
        "http://[::1]:1/cb",
        "http://localhost/cb",
        "com.example.app:/back",
        "com.example.app://x/y",
    ],
)
def test_redirect_uris(uri: str) -> None:
    """https, http on loopback (RFC 8252 7.3), or a scheme that is a domain in reverse (7.1)."""
    assert network.parse_redirect(uri) == uri


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/cb",
        "http://a/cb",
        "https://a/#f",
        "javascript:alert(1)",
        "data:text/html,x",
        "app:/x",
        "https://u@a/",
        "https://a b",
        "com.example.app:x",
    ],
)
def test_what_is_no_redirect_uri(uri: str) -> None:
    """Nothing that sends a code in clear, into a script, or to whoever takes a short scheme."""
    with pytest.raises(RefusedError):
        network.parse_redirect(uri)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("a", False),
    ],
)
def test_loopback(host: str, *, here: bool) -> None:
    """Only what cannot leave this machine is loopback."""
    assert network.is_loopback(host) is here


@pytest.mark.parametrize(
    ("origin", "host"),
    [("http://a:1", "a"), ("https://[::1]:1", "::1"), ("https://[::1]", "::1"), ("https://a.b", "a.b")],
)
def test_host_of_an_origin(origin: str, host: str) -> None:
    """The host alone, without brackets and port."""
    assert network.host_of(origin) == host


@given(st.text("aA1.-:[]/@?#x%\n ", max_size=14))
def test_readers_take_or_refuse(text: str) -> None:
    """No text makes a reader do anything else, and what one takes stands for itself when written again."""
    for reader in (
        network.parse_listen,
        network.parse_server,
        network.parse_origin,
        network.parse_redirect,
        network.parse_host,
    ):
        for candidate in (text, f"http://{text}", f"[{text}]:80"):
            try:
                taken = reader(candidate)
            except RefusedError:
                continue
            if isinstance(taken, network.Server):
                again = f"{taken.protocol}://{network.bracketed(taken.host)}:{taken.port}"
                assert network.parse_server(again) == taken
            elif isinstance(taken, Address):
                assert network.parse_listen(f"{network.bracketed(taken.host)}:{taken.port}") == taken
            else:
                assert taken == candidate
