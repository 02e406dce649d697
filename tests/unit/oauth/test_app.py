"""src/sumun/oauth/app.py: which endpoint a path reaches."""

from __future__ import annotations

import asyncio

import pytest

from sumun.oauth.app import GET, POST, Mounted, OAuthApp
from sumun.oauth.exchange import Answer, Request


class Says:
    """Says its name and the path that it was asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def answer(self, request: Request) -> Answer:
        return Answer(200, (), f"{self._name} {request.method} {request.path}".encode())


APP = OAuthApp(
    {
        "/a": Mounted(Says("a"), GET, below=True),
        "/a/b": Mounted(Says("b"), POST),
        "/a/b/c": Mounted(Says("c"), GET, below=True),
        "/d": Mounted(Says("d"), GET),
    }
)


def asked(path: str, method: str = "GET") -> tuple[int, str]:
    sent = []

    async def receive() -> dict:
        return {"type": "http.request", "body": b""}

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
    asyncio.run(APP(scope, receive, send))
    return sent[0]["status"], sent[1]["body"].decode() if sent[0]["status"] == 200 else ""


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/a", "a"),
        ("/a/", "a"),
        ("/a/x/y", "a"),
        ("/a/b/x", "a"),
        ("/a/b/c/d", "c"),
        ("/d", "d"),
    ],
)
def test_the_nearest_endpoint_answers(path: str, found: str) -> None:
    """A path is its own endpoint's, or that of the nearest one above it which takes what is below."""
    assert asked(path) == (200, f"{found} GET {path}")


@pytest.mark.parametrize("path", ["/", "", "/ab", "/d/x", "/d/", "//a", "*"])
def test_nothing_there(path: str) -> None:
    """A path that only begins like another is nobody's."""
    assert asked(path) == (404, "")


def test_the_methods_of_the_endpoint() -> None:
    """An endpoint that takes another method is not passed over for one above it."""
    assert asked("/a/b") == (405, "")
    assert asked("/a/b", "POST") == (200, "b POST /a/b")
