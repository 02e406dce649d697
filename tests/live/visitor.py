"""A person's browser without a screen, and the application that sends it to the gateway, both spoken by hand."""

from __future__ import annotations

import base64
import hashlib
import http.client
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.live.demo_node import Answer, DemoNode

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)"')
_ACTION = re.compile(r'<form[^>]* action="([^"]*)"')
_BOX = re.compile(r'name="grant:([^"]*)"')


@dataclass(frozen=True, slots=True)
class Page:
    """What is shown. `address` is where it was found; of a redirect that was not followed, where it leads."""

    status: int
    address: str
    text: str
    headers: Mapping[str, str]

    @property
    def told(self) -> dict[str, str]:
        """The parameters of the address."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.address).query).items()}

    @property
    def hidden(self) -> dict[str, str]:
        """The hidden fields of the form."""
        return {name: unescape(value) for name, value in _HIDDEN.findall(self.text)}

    @property
    def action(self) -> str:
        """Where the form goes."""
        found = _ACTION.search(self.text)
        assert found is not None, self.text
        return unescape(found[1])

    @property
    def boxes(self) -> list[str]:
        """The permissions that can be ticked."""
        return sorted(set(_BOX.findall(self.text)))


@dataclass
class Visitor:
    """One browser at the gateway on this port of 127.0.0.1."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """As the browser writes it."""
        return f"http://127.0.0.1:{self.port}"

    def open(self, address: str) -> Page:
        """Go there, and on, as long as it is the gateway."""
        return self._followed(self._call("GET", address))

    def send(self, page: Page, **fields: str) -> Page:
        """Fill in the page's form and send it."""
        return self.post(page.action, {**page.hidden, **fields})

    def post(self, address: str, fields: Mapping[str, str], **headers: str) -> Page:
        """Send a form as a page of the gateway does."""
        told = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": self.origin,
            "Sec-Fetch-Site": "same-origin",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return self._followed(self._call("POST", address, told, urlencode(fields)))

    def log_in(self, page: Page, name: str, password: str = "") -> Page:
        """Fill in the login page."""
        return self.send(page, decision="login", username=name, password=password or f"{name}-demo-pass")

    def _followed(self, page: Page) -> Page:
        hops = 0
        while page.status == 303 and page.address.startswith(f"{self.origin}/"):
            page = self._call("GET", page.address)
            hops += 1
            assert hops < 10, "a circle of redirects"
        return page

    def _call(
        self, method: str, address: str, headers: Mapping[str, str] | None = None, body: str = ""
    ) -> Page:
        sent = dict(headers or {})
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, address.removeprefix(self.origin), body or None, sent)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        for line in answer.headers.get_all("set-cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        told = {name.lower(): value for name, value in answer.getheaders()}
        where = told.get("location", address)
        return Page(answer.status, f"{self.origin}{where}" if where.startswith("/") else where, text, told)


@dataclass
class App:
    """A public client that uses the authorization code grant with PKCE; of the demo, shop-web on a port of its own."""

    node: DemoNode
    client_id: str = "shop-web"
    redirect_uri: str = "http://127.0.0.1:51004/demo/callback"
    scope: str = "product:read order:read"
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def request(self, **more: str) -> dict[str, str]:
        """The parameters of an authorization request."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": "s",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **more,
        }

    def address(self, **more: str) -> str:
        """Where it sends a browser."""
        return f"/oauth/authorize?{urlencode(self.request(**more))}"

    def redeem(self, page: Page) -> Answer:
        """The answer to the token request for the code that this page was left with."""
        assert page.address.startswith(self.redirect_uri), page
        form = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "code": page.told["code"],
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return self.node.form("/oauth/token", form)
