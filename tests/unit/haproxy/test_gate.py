"""The gate's expressions let pass what is canonical and nothing else, in one pass from left to right."""

from __future__ import annotations

import re
import time
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sumun.access.handover import OURS
from sumun.haproxy.gate import CLEAN_HEADER, GOOD_PATH, GOOD_TARGET, good_header
from tests.unit.haproxy.plans import limits

TOKEN_BYTES = 100


def python(expression: str) -> re.Pattern[str]:
    """The expression for Python, whose end of text is written otherwise. Bytes are latin-1 characters."""
    return re.compile(expression.replace(r"\z", r"\Z"), re.ASCII)


TARGET, PATH = python(GOOD_TARGET), python(GOOD_PATH)
HEADER, CLEAN = python(good_header(TOKEN_BYTES)), python(CLEAN_HEADER)

pieces = st.sampled_from(
    [
        "/",
        "/",
        "a",
        "b.c",
        ".",
        "..",
        "...",
        "%2e",
        "%2E",
        "%2f",
        "%25",
        "%41",
        "%EA%B9%80",
        "%C3%A9",
        "%F0%9F%98%80",
        "%E2",
        "%82",
        "%AC",
        "%E0",
        "%20",
        ";",
        "\\",
        "|",
        "*",
        "%",
        "%0",
        "%zz",
        "%7f",
        "%7F",
        "~",
        "'",
        "é",
        " ",
        "\t",
        "\x00",
        "?",
        "a=b",
        "&",
        "access_token=",
        "access_token",
        "ticket=smn_wt_",
        "ticket=smn",
    ]
)
targets = st.one_of(
    st.lists(pieces, max_size=12).map("".join), st.text(st.characters(max_codepoint=255), max_size=20)
)

RESERVED = set(b"!$&'()+,=:@ \"<>#?[]{}|^`*")


def is_canonical(path: str) -> bool:
    """The slow rule for a path: written the one way that nobody can read otherwise (RFC 3986 3.3, 6.2.2)."""
    if not path.startswith("/") or not path.isascii():
        return False
    parts = path[1:].split("/")
    if any(part in (".", "..") for part in parts) or any(part == "" for part in parts[:-1]):
        return False
    rest = re.sub(r"%[0-9A-Fa-f]{2}", "", path)
    if re.search(r"[^A-Za-z0-9._~!$&'()+,=:@/-]", rest):
        return False
    encoded = [unquote_to_bytes(code)[0] for code in re.findall(r"%[0-9A-Fa-f]{2}", path)]
    if not all(byte in RESERVED or byte >= 0x80 for byte in encoded):
        return False
    try:
        unquote_to_bytes(path).decode("utf-8", "strict")
    except UnicodeDecodeError:
        return False
    return True


@given(targets)
@example("/")
@example("/a/")
@example("/a/..b/.c")
@example("/%2a")
@example("/a%C0%AFb")
@example("/a%c1b")
@example("/a%C2%80%F4%Df")
@example("/a%F5")
@example("/a%ff")
@example("/a%E0%80%AF")
@example("/a%e0%a0%80%E1%80%80%ec%bf%bf%ED%9F%BF%ee%80%80%EF%bf%bf")
@example("/a%ED%A0%80")
@example("/a%F0%80%80%AF")
@example("/a%f0%90%80%80%f3%bf%bf%bf%F4%8F%bf%bf")
@example("/a%F4%90%80%80")
@example("/a%E2/%82%AC")
@example("/a%E2%82")
@example("/a%80")
@example("/a%C3b")
def test_path(path: str) -> None:
    """A path passes exactly if the slow rule finds it canonical."""
    assert bool(PATH.match(path)) == is_canonical(path)


@given(targets)
@example("/a?access_token")
@example("/a?x=access_token=1")
@example("/a?b;access_token=1")
@example("/a?&access_token=")
@example("/a?access_tokens=1")
@example("/a?b&ticket=smn_wt_x")
@example("/a?xticket=smn_wt_x")
@example("/a?ticket=17")
def test_target(target: str) -> None:
    """A target passes exactly if its path is canonical, its query visible ASCII, and no parameter is a token."""
    path, question, query = target.partition("?")
    visible = all("!" <= char <= "~" for char in query)
    parameters = re.split("[&;]", query)
    token = any(one.split("=")[0] == "access_token" or one.startswith("ticket=smn_wt_") for one in parameters)
    assert bool(TARGET.match(target)) == (is_canonical(path) and visible and not (question and token))


names = st.sampled_from(
    [
        *OURS,
        *(name.replace("-", "_") for name in OURS),
        "Host",
        "Host",
        "Authorization",
        "Accept",
        "X-Other",
        "Cookie",
        "Connection",
        "Te",
        "Upgrade",
        "Trailer",
        "Transfer-Encoding",
        "Forwarded",
        "X-Forwarded-For",
        "Proxy",
        "X.Y",
        "X-User-Agent",
        "Proxy-Connection",
        "Keep-Alive",
        "X-Sumun-Source",
        "X-Real-Ip",
        "Te-X",
        "Hosts",
        "X-Host",
        "X-Forwarded",
        "Remote-User",
        "X-Remote-User",
        "X-Forwardedness",
    ]
).map(str.lower)
values = st.one_of(
    st.sampled_from(
        [
            "gate.test",
            "a.b:80",
            "a.b.",
            ".a",
            "a..b",
            "close",
            "trailers",
            "websocket",
            "x, y",
            "Bearer a.b",
            "",
            "text/html",
        ]
    ),
    st.text(st.characters(max_codepoint=255), max_size=12),
)
fields = st.lists(st.tuples(names, values), max_size=8)

NEVER = {
    *(name.lower() for name in OURS),
    *(
        "forwarded",
        "x-real-ip",
        "proxy",
        "keep-alive",
        "trailer",
        "upgrade",
        "transfer-encoding",
        "http2-settings",
        "sec-websocket-protocol",
    ),
    *("x-forwarded", "remote-user", "x-remote-user"),
    *(
        "x-client-ip",
        "x-cluster-client-ip",
        "true-client-ip",
        "fastly-client-ip",
        "x-host",
        "x-method-override",
    ),
}
NEVER_BEGINS = (
    *(
        "x-sumun-",
        "x-forwarded",
        "x-original-",
        "x-rewrite-",
        "x-http-method",
        "proxy-",
        "x-user",
        "forwarded",
    ),
    *("x-auth-request-", "x-authenticated-", "x-consumer-", "x-webauth-", "x-ssl-client-", "ssl-client-"),
    *("client-cert", "x-envoy-", "cf-connecting-"),
)


def is_plain(header: list[tuple[str, str]]) -> bool:
    """The slow rule for header fields that need no closer look."""
    hosts = [value for name, value in header if name == "host"]
    credentials = [value for name, value in header if name == "authorization"]
    return (
        any(
            re.fullmatch(
                r"(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", host, re.ASCII
            )
            for host in hosts
        )
        and len(credentials) <= 1
        and all(len(one) <= TOKEN_BYTES + 7 and "," not in one for one in credentials)
        and all(is_plain_field(name, value) for name, value in header)
    )


def is_plain_field(name: str, value: str) -> bool:
    """One field."""
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value) or not re.fullmatch("[a-z0-9-]+", name):
        return False
    if name == "connection":
        return value in ("close", "keep-alive")
    if name == "te":
        return value == "trailers"
    if name == "accept" and "text/event-stream" in value.lower():
        return False
    return name not in NEVER and not name.startswith(NEVER_BEGINS)


def text_of(header: list[tuple[str, str]]) -> str:
    """As HAProxy's req.hdrs writes them."""
    return "".join(f"{name}: {value}\r\n" for name, value in header) + "\r\n"


@given(fields, st.booleans())
@example([("host", "a"), ("accept", "text/event-stream")], False)
@example([("host", "a"), ("accept", "application/json, Text/Event-Stream;q=0.5")], False)
@example([("host", "a"), ("accept", "text/html, */*")], False)
@example([("host", "a"), ("sec-websocket-protocol", "chat")], False)
@example([("host", "a"), ("authorization", "x" * (TOKEN_BYTES + 8))], False)
@example([("x-host", "a")], False)
@example([("x", "\nhost: a")], False)
def test_header(header: list[tuple[str, str]], with_host: bool) -> None:
    """Header fields pass without a closer look exactly if the slow rule finds them plain."""
    header = [("host", "gate.test"), *header] if with_host else header
    assert bool(HEADER.match(text_of(header))) == is_plain(header)


@given(fields)
def test_forged_headers_are_never_plain(header: list[tuple[str, str]]) -> None:
    """No header with a field of ours among its fields is plain, nor clean after a look, wherever the field stands."""
    text = text_of([("host", "gate.test"), *header])
    if any(name in NEVER - {"upgrade", "transfer-encoding", "sec-websocket-protocol"} for name, _ in header):
        assert not HEADER.match(text)
        assert not CLEAN.match(text)


@pytest.mark.parametrize("expression", [TARGET, PATH, HEADER, CLEAN])
def test_no_catastrophe(expression: re.Pattern[str]) -> None:
    """No text makes an expression slow: what the longest head can hold is read in a blink."""
    size = limits().header_bytes
    hard = [
        "/" + "a/" * (size // 2) + "..",
        "/" + "%ea" * (size // 3) + "%",
        "/x?" + "access_token&" * (size // 13),
        "host: a\r\n" + "a: " + "b" * size + "\x00\r\n\r\n",
        "host: a\r\n" + "connection: close\r\n" * (size // 20) + "te: x\r\n\r\n",
        "host: a\r\n" + "authorization: a\r\n" * (size // 20) + "\r\n",
        "a: b\r\n" * (size // 6) + "\r\n",
        "x-user-" * (size // 7),
        "host: a\r\naccept: " + "text/event-" * (size // 11) + "\r\n\r\n",
        "host: a\r\n" + "accept: text/\r\n" * (size // 15) + "\r\n",
        "/x?" + "ticket=smn_wt&" * (size // 14),
    ]
    begun = time.perf_counter()
    for text in hard:
        expression.match(text)
    assert time.perf_counter() - begun < 0.5
