"""Anything that a stranger can send to the authorization endpoint, and any address that they may want a code sent to.

Invariants: every request has one answer: a page with 400, a redirect to our login page, or an error at exactly an address
of the client (with `iss`, and with `state` as it came). Nothing that was sent stands in a page unescaped; never 5xx.
"""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlencode, urlsplit

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sumun.oauth.authorize.redirects import may_be_sent_to
from sumun.oauth.authorize.reply import ReplyTo, ResponseMode, reply
from tests.conversations.oauth.oauth_server import CLIENTS, asgi_call
from tests.fuzz.test_oauth import APP

MARK = "<sENt-by-a-stRANger \"'>"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
ADDRESSES = sorted({uri for client in CLIENTS.values() for uri in client.redirect_uris})
GOOD = {
    "response_type": "code",
    "client_id": "web",
    "redirect_uri": "https://shop.example/back",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
NAMES = st.sampled_from(
    [
        *GOOD,
        "scope",
        "state",
        "response_mode",
        "nonce",
        "prompt",
        "max_age",
        "resource",
        "request",
        "request_uri",
        "id_token_hint",
        "ui_locales",
        "lang",
        MARK,
    ]
)
WORDS = st.one_of(
    st.sampled_from(
        [
            *CLIENTS,
            *ADDRESSES,
            *GOOD.values(),
            *ResponseMode,
            "plain",
            "none",
            "login",
            "openid",
            "a b",
            MARK,
            "",
        ]
    ),
    st.sampled_from(ADDRESSES).flatmap(lambda one: st.text(max_size=5).map(one.__add__)),
    st.text(max_size=20),
)
CHANGES = st.lists(st.tuples(NAMES, WORDS), max_size=4)


def encoded(changes: list[tuple[str, str]], keep: frozenset[str]) -> str:
    """The good request less some of it, and then these."""
    kept = [(name, value) for name, value in GOOD.items() if name in keep]
    return urlencode([*kept, *changes], errors="replace")


@settings(max_examples=4 * settings().max_examples)
@given(CHANGES, st.frozensets(st.sampled_from(sorted(GOOD))))
@example([], frozenset(GOOD))
@example([("state", MARK), ("response_mode", "form_post"), ("prompt", "none")], frozenset(GOOD))
def test_strangers(changes: list[tuple[str, str]], keep: frozenset[str]) -> None:
    """A page, our login page, or an error where the client lives."""
    query = encoded(changes, keep)
    told = [("host", "gw.example.com"), ("x-sumun-source", "192.0.2.1"), ("x-request-id", "r-1")]
    answer = asyncio.run(asgi_call(APP, "GET", "/oauth/authorize", query, told, ()))
    text = answer.body.decode()
    assert MARK not in text
    if answer.status != 303:
        assert answer.status == 400 or 'action="https://' in text  # form_post: the page that carries an error
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        return
    location = answer.headers["location"]
    if location.startswith("/login?transaction="):
        return
    address = max((one for one in ADDRESSES if location.startswith(one)), key=len)
    parts = urlsplit(location.removeprefix(address))
    members = parse_qs(parts.fragment or parts.query or parts.path.lstrip("&"))
    assert members["iss"] == ["https://gw.example.com"]
    assert len(members["error"]) == 1
    assert "code" not in members


@given(
    st.one_of(
        st.text(max_size=40),
        st.sampled_from(ADDRESSES).flatmap(lambda one: st.text(max_size=8).map(lambda more: one + more)),
    )
)
def test_addresses(address: str) -> None:
    """An address that is let through is a registered one, or differs from it in the port of a loopback address only."""
    if not may_be_sent_to(address, ADDRESSES):
        return
    if address not in ADDRESSES:
        parts = urlsplit(address)
        assert parts.hostname in ("127.0.0.1", "::1")
        assert "@" not in parts.netloc
        same = [urlsplit(one) for one in ADDRESSES]
        assert any(
            (one.hostname, one.path, one.query) == (parts.hostname, parts.path, parts.query) for one in same
        )


@given(
    st.sampled_from(ADDRESSES),
    st.sampled_from(ResponseMode),
    st.text(st.characters(min_codepoint=32, max_codepoint=126)),
)
def test_replies(address: str, mode: ResponseMode, state: str) -> None:
    """Whatever the state, it comes back as it was, and the answer goes to the host that was registered."""
    replied = reply(ReplyTo(address, mode, state), {"code": "c"}, "https://gw.example.com")
    assert urlsplit(replied.address).netloc == urlsplit(address).netloc
    assert replied.address.isascii()
    assert not set(replied.address) & set(' \r\n"<>')
    if mode is ResponseMode.FORM_POST:
        assert replied.fields.get("state", "") == state
        return
    parts = urlsplit(replied.address)
    members = parse_qs(parts.fragment or parts.query)
    assert members.get("state", [""]) == [state]


FIELDS = st.sampled_from(
    ["transaction", "csrf", "decision", "username", "password", "grant:*:*", "client_id", MARK]
)
SAID = st.one_of(
    st.sampled_from(["login", "cancel", "all", "allow", "other", "web", MARK, ""]), st.text(max_size=20)
)
FORMS = st.one_of(
    st.lists(st.tuples(FIELDS, SAID), max_size=6).map(
        lambda pairs: urlencode(pairs, errors="replace").encode()
    ),
    st.binary(max_size=80),
)
COOKIES = st.one_of(st.none(), st.text(alphabet="__Host-sumun_login=;é \x00", max_size=40))


@settings(max_examples=2 * settings().max_examples)
@given(
    st.sampled_from(["/login", "/oauth/consent", "/oauth/authorize"]),
    FORMS,
    st.sampled_from(["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", MARK]),
    COOKIES,
)
def test_forms(path: str, body: bytes, content_type: str, cookie: str | None) -> None:
    """A form that no page of ours made is a page with 4xx, whatever is in it; nobody is logged in, nothing is given."""
    told = [("host", "gw.example.com"), ("content-type", content_type), ("x-request-id", "r-1")]
    if cookie is not None:
        told.append(("cookie", cookie))
    answer = asyncio.run(asgi_call(APP, "POST", path, "", told, (body,)))
    assert 400 <= answer.status < 500 or (path, answer.status) == ("/oauth/authorize", 303)
    assert MARK not in answer.body.decode()
    assert not [line for line in answer.all("set-cookie") if "sumun_session" in line]
