"""A client that uses the authorization code grant with PKCE, spoken by hand."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.conversations.oauth.browser import Browser, Page
from tests.conversations.oauth.oauth_server import SECRETS, Answer, OAuthServer

REDIRECT = "https://shop.example/back"


@dataclass
class CodeClient:
    """`id` is one of the clients of oauth_server; it has a fresh verifier and state."""

    server: OAuthServer
    id: str = "web"
    redirect_uri: str = REDIRECT
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(8))

    @property
    def challenge(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()

    def request(self, **more: str) -> dict[str, str]:
        """The parameters; an empty text leaves one out."""
        asked = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": self.redirect_uri,
            "scope": "product:read",
            "state": self.state,
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            **more,
        }
        return {name: value for name, value in asked.items() if value}

    def address(self, **more: str) -> str:
        """Where the client sends a browser."""
        return f"/oauth/authorize?{urlencode(self.request(**more))}"

    async def redeem(self, code: str, /, proof: str = "", **more: str) -> Answer:
        """The token request, with this DPoP proof if there is one."""
        headers = {"host": "gw.example.com", "dpop": proof} if proof else {}
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            **more,
        }
        form = {name: value for name, value in form.items() if value}
        if self.id in SECRETS:
            return await self.server.post(
                "/oauth/token", form, basic=(self.id, SECRETS[self.id]), headers=headers
            )
        return await self.server.post("/oauth/token", {"client_id": self.id, **form}, headers=headers)

    async def tokens(self, code: str, **more: str) -> Any:
        """What a good token request gives."""
        answer = await self.redeem(code, **more)
        assert answer.status == 200, answer
        return answer.json


async def log_in(page: Page, name: str = "alice") -> Page:
    """Fill in the login page."""
    return await page.send(decision="login", username=name, password=f"{name}-pass")


async def code_of(browser: Browser, client: CodeClient, name: str = "alice", **more: str) -> str:
    """The code after login and, if it is asked, consent to everything."""
    page = await browser.open(client.address(**more))
    if not page.left_to and 'name="password"' in page.text:
        page = await log_in(page, name)
    if not page.left_to:
        page = await page.send(decision="all")
    assert page.left_to.startswith(client.redirect_uri), (page.left_to, page.text)
    return page.told["code"]
