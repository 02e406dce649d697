"""What a person with a browser is shown when the gate refuses a page, through a whole node."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator, Mapping
from html import unescape
from pathlib import Path

import pytest

from sumun.pages import page_headers
from tests.live.browser_world import PAGE, BrowserNode, Surfer, browser_node
from tests.live.demo_node import Answer
from tests.unit.pages.markup import Element, read_page

CONFIG = """
listen: 127.0.0.1:PORT
services:
  shop: {url: http://127.0.0.1:SERVICE}
roles:
  user: ["shop:read"]
  admin: ["shop:*"]
routes:
  - {path: /shop, service: shop, session: true}
  - {path: "/office/**", service: shop, require: {role: admin}, session: true}
  - {path: /api, service: shop, require: {role: admin}}
  - {path: /few, service: shop, session: true, limit: 20/hour}
  - {path: /one, service: shop, session: true, limit: 1/hour, stream: true}
clients:
  - {id: app, kind: public, first_party: true, grants: [password]}
limits: {decision_timeout: 2s}
node: {answerers: 1}
"""

HOSTILE = "Bea <b>\"'&amp; 배아 %3Cx%253E"
READS = {name.replace("-", "_"): value for name, value in PAGE.items()}


@pytest.fixture(scope="module")
def node(haproxy: Path) -> Iterator[BrowserNode]:
    """A gateway in front of pages; ann has a plain name, bea another, and cai is an admin."""
    with browser_node(haproxy, CONFIG, "ann") as node:
        for name, words in {"bea": ("user", HOSTILE), "cai": ("admin", "Cai")}.items():
            role, called = words
            added = node.sumun(
                *("user", "add", name, "--role", role, "--display-name", called, "--password-stdin"),
                stdin=f"{name}-demo-pass\n",
            )
            assert added.returncode == 0, added
        yield node


def is_page(answer: Answer, status: int, language: str = "en") -> Element:
    """A page of ours with this status, in this language, with the fields that every page has and its id."""
    assert answer.status == status, answer
    for name, value in (*page_headers(), (b"x-content-type-options", b"nosniff")):
        assert answer.headers[name.decode()] == value.decode()
    assert "www-authenticate" not in answer.headers
    page = read_page(answer.body.decode())
    assert page.get("lang") == language
    assert answer.headers["x-request-id"] in page.text()
    return page


def test_who_may_not_reads_who_they_are(node: BrowserNode) -> None:
    """A page instead of JSON: who is logged in, whatever they call themselves, and a link to log in as somebody else."""
    ann, _ = node.begin("ann")
    answer = node.ask("/office/rooms?a=1&b=%ED%95%9C", ann, **READS)
    assert names(is_page(answer, 403)) == ["ann"]
    assert links(answer)[-1] == "/login/start?other=1&return=%2Foffice%2Frooms%3Fa%3D1%26b%3D%25ED%2595%259C"
    assert node.line(answer)["code"] == "insufficient_scope"
    bea, _ = node.begin("bea")
    assert names(is_page(node.ask("/office/rooms", bea, **READS), 403)) == [HOSTILE]
    long = node.ask(f"/office/{'x' * 3000}", bea, **READS)
    assert links(long)[-1] == "/login/start?other=1&return=%2F"


def names(page: Element) -> list[str]:
    return [strong.text() for strong in page.every("strong")]


def links(answer: Answer) -> list[str]:
    return [unescape(one) for one in re.findall(r'<a [^>]*href="([^"]*)"', answer.body.decode())]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept": "*/*"},
        {"Accept": "application/json, text/html"},
        {"Accept": "text/html", "Sec_Fetch_Mode": "cors"},
        {"Accept": "text/html", "Sec_Fetch_Mode": "no-cors"},
    ],
    ids=map(str, range(5)),
)
def test_programs_read_json(node: BrowserNode, headers: Mapping[str, str]) -> None:
    """A script, an image, a program and everybody on a route without sessions are told as ever."""
    ann, _ = node.begin("ann")
    answer = node.ask("/office/rooms", ann, **headers)
    assert (answer.status, answer.json["code"]) == (403, "insufficient_scope")


def test_a_token_reads_json(node: BrowserNode) -> None:
    """Who sends a token is a program, whatever it says of pages."""
    form = {"grant_type": "password", "client_id": "app", "username": "ann", "password": "ann-demo-pass"}
    token = node.form("/oauth/token", form).json["access_token"]
    for path in ("/office/rooms", "/api"):
        answer = node.ask(path, **READS, Authorization=f"Bearer {token}")
        assert (answer.status, answer.json["code"]) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    ("accepted", "chosen", "language"),
    [
        ("ko-KR,ko;q=0.9,en-US;q=0.8", "", "ko"),
        ("en-US,en;q=0.9,ko;q=0.8", "", "en"),
        ("fr,ko;q=0.5", "", "ko"),
        ("fr", "", "en"),
        ("en", "ko", "ko"),
        ("ko", "en", "en"),
        ("ko", "x", "ko"),
    ],
)
def test_languages(node: BrowserNode, accepted: str, chosen: str, language: str) -> None:
    """As every page of ours: what the person chose, what the browser says, English."""
    ann, _ = node.begin("ann")
    cookie = f"__Host-sumun_session={ann}" + (f"; __Host-sumun_language={chosen}" if chosen else "")
    answer = node.ask("/office/rooms", Cookie=cookie, **READS, Accept_Language=accepted)
    is_page(answer, 403, language)


def test_somebody_else(node: BrowserNode) -> None:
    """The link shows the login page though somebody is logged in; who logs in there comes back to the page."""
    surfer, here = Surfer(node.port), f"http://127.0.0.1:{node.port}"
    refused = surfer.log_in(surfer.visit(f"{here}/office/rooms?a=1"), "ann")
    assert names(is_page(refused, 403)) == ["ann"]
    login = surfer.visit(here + links(refused)[-1])
    assert (login.status, surfer.way[-1].startswith(f"{here}/login?")) == (200, True)
    again = surfer.log_in(login, "ann")
    is_page(again, 403)
    answer = surfer.log_in(surfer.visit(here + links(again)[-1]), "cai")
    assert (answer.status, dict(answer.json)["x-user-id"]) == (200, "cai")
    assert surfer.way[-1] == f"{here}/office/rooms?a=1"


@pytest.mark.parametrize(
    ("asked", "back"),
    [
        ("/shop?q=1", "%2Fshop%3Fq%3D1"),
        (f"/shop?q={'%20' * 1100}", "%2Fshop"),
        (f"/shop?q={'%20' * 4500}", "%2Fshop"),
        (f"/office/{'x' * 3000}?q=1", "%2F"),
    ],
    ids=map(str, range(4)),
)
def test_a_long_way_back(node: BrowserNode, asked: str, back: str) -> None:
    """Who is not logged in can log in whatever they asked for: what is too long to come back to is cut off."""
    answer = node.ask(asked, **READS)
    assert (answer.status, answer.headers["location"]) == (302, f"/login/start?return={back}")


def test_too_many(node: BrowserNode) -> None:
    """A limit that is reached, for what HAProxy knows and for what it asks about."""
    cai, _ = node.begin("cai")
    for _ in range(20):
        assert node.ask("/few", cai, **READS).status == 200
    answer = node.ask("/few", cai, **READS)
    is_page(answer, 429)
    assert answer.headers["retry-after"] == "3600"
    assert str(node.line(answer)["be"]).startswith("known.")
    assert node.ask("/few", cai).json["code"] == "too_many_requests"
    assert node.ask("/one", cai, **READS).status == 200
    answer = node.ask("/one", cai, **READS)
    is_page(answer, 429)
    assert str(node.line(answer)["be"]).startswith("ask.")


def test_nobody_can_say(node: BrowserNode) -> None:
    """When nobody decides it is 503, never a login page; the page needs none of our processes."""
    cai, _ = node.begin("cai")
    answering = node.part("answer")
    os.kill(answering, signal.SIGSTOP)
    try:
        for cookie in (cai, None):
            answer = node.ask("/shop", cookie, **READS)
            is_page(answer, 503)
            assert answer.headers["retry-after"] == "1"
        assert node.ask("/shop", cai).json["code"] == "decision_unavailable"
    finally:
        os.kill(answering, signal.SIGCONT)
