"""Somebody else's web application, the client `shop-web`: it logs people in and calls the shop for them.

    /demo            logged in? then what the shop answers to each call, now; else a link to log in
    /demo/login      -> the gateway's authorization endpoint (RFC 6749 4.1.1, PKCE: RFC 7636)
    /demo/callback   <- the code; exchanged for a token, which never reaches the browser

It knows the gateway by its address alone, as any program of a third party would.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import http.client
import json
import os
import secrets
from collections.abc import Callable, Mapping
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sumun.demo.page import page

CLIENT_ID = "shop-web"
_TITLE = "Order Helper 주문 도우미"
_COOKIE = "demo_shop"
_MOST_BROWSERS = 1000
_SCOPE = "product:* order:*"
_CALLS = (("GET", "/products"), ("POST", "/products"), ("DELETE", "/products/1"), ("GET", "/orders"))


class WebShop:
    """What it remembers of each browser: the flow that it began, and the token that came of it."""

    def __init__(self, gateway: str) -> None:
        """`gateway` is its address, `http://127.0.0.1:8080`."""
        self._gateway = gateway
        self._redirect_uri = f"{gateway}/demo/callback"
        self._browsers: dict[str, dict[str, str]] = {}

    async def index(self, request: Request) -> Response:
        """What may be done now."""
        known = self._browsers.get(request.cookies.get(_COOKIE, ""), {})
        if "token" not in known:
            return page(
                _TITLE,
                "<p>An application of somebody else's. It would like to look after your orders in the shop, "
                'so it asks the gateway, and the gateway asks you: <a href="/demo/login">Log in 로그인</a></p>',
            )
        rows = [
            f"<tr><td><code>{method} {path}</code><td>{status}<td>{escape(said)}"
            for method, path in _CALLS
            for status, said in [await asyncio.to_thread(self._call, method, path, known["token"])]
        ]
        return page(
            _TITLE,
            f"<p>The token may: <code>{escape(known['scope'])}</code></p>"
            f"<table><tr><th>call<th>status<th>answer{''.join(rows)}</table>"
            '<p><a href="/demo">Call again 다시 호출</a> · <a href="/demo/login">Log in anew 다시 로그인</a></p>',
        )

    async def login(self, request: Request) -> Response:
        """Begin a flow, bound to this browser by a cookie (RFC 9700 4.7.1)."""
        cookie = request.cookies.get(_COOKIE, "")
        if cookie not in self._browsers:
            cookie = secrets.token_urlsafe(32)
            self._browsers[cookie] = {}
            while len(self._browsers) > _MOST_BROWSERS:
                self._browsers.pop(next(iter(self._browsers)))
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        self._browsers[cookie] |= {"verifier": verifier, "state": state}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": self._redirect_uri,
            "scope": _SCOPE,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        answer = RedirectResponse(f"{self._gateway}/oauth/authorize?{urlencode(asked)}", 303)
        answer.set_cookie(_COOKIE, cookie, httponly=True, samesite="lax")
        return answer

    async def callback(self, request: Request) -> Response:
        """The answer of the gateway: ours only if state (this browser's) and issuer (RFC 9207) are."""
        known = self._browsers.get(request.cookies.get(_COOKIE, ""), {})
        told = request.query_params
        state, verifier = known.pop("state", ""), known.pop("verifier", "")
        if not state or not secrets.compare_digest(told.get("state", "").encode(), state.encode()):
            return page(
                _TITLE, '<p>This answer is to no question of ours. <a href="/demo/login">Log in</a></p>', 400
            )
        if told.get("iss") != self._gateway or "code" not in told:
            why = escape(told.get("error", "the answer is another server's"))
            return page(_TITLE, f'<p>No token: {why}. <a href="/demo/login">Try again 다시</a></p>')
        form = {
            "grant_type": "authorization_code",
            "client_id": CLIENT_ID,
            "code": told["code"],
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        status, given = await asyncio.to_thread(self._post, "/oauth/token", form)
        if status != 200:
            return page(_TITLE, f"<p>No token: {escape(str(given.get('error')))}</p>", 502)
        known |= {"token": given["access_token"], "scope": given["scope"]}
        return RedirectResponse("/demo", 303)

    def _call(self, method: str, path: str, token: str) -> tuple[int, str]:
        body = json.dumps({"name": "pear"}) if method == "POST" else None
        status, text = self._send(method, path, {"Authorization": f"Bearer {token}"}, body)
        return status, text[:160]

    def _post(self, path: str, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, text = self._send("POST", path, headers, urlencode(form))
        return status, json.loads(text)

    def _send(self, method: str, path: str, headers: Mapping[str, str], body: str | None) -> tuple[int, str]:
        connection = http.client.HTTPConnection(urlsplit(self._gateway).netloc, timeout=10)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()


def web() -> Starlette:
    """The application."""
    shop = WebShop(os.environ["ISSUER"])
    pages: dict[str, Callable[[Request], Any]] = {
        "/demo": shop.index,
        "/demo/login": shop.login,
        "/demo/callback": shop.callback,
    }
    return Starlette(routes=[Route(path, page, methods=["GET"]) for path, page in pages.items()])
