"""Clients that publish their keys (`jwks_uri`), through a whole gateway: fetched over real TLS, rotated, and never from elsewhere."""

from __future__ import annotations

import ipaddress
import json
import secrets
import ssl
import tempfile
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from joserfc.jwk import Key

from sumun.login.client_assertion import TYPE
from sumun.login.fetched_keys import PAUSE_SECONDS
from tests.certificates import Certificate
from tests.live.browser_world import BrowserNode, browser_node
from tests.live.demo_node import Answer
from tests.live.node_under_test import until
from tests.unit.tokens.proofs import new_key, signed

CONFIG = """
listen: 127.0.0.1:PORT
services:
  shop: {url: http://127.0.0.1:SERVICE}
routes:
  - {path: /items, service: shop, require: item:read}
clients:
"""
CLIENT = """\
  - {{id: {id}, kind: confidential, grants: [client_credentials], permissions: ["item:read"], scopes: ["item:read"],
     jwks_uri: "https://{place}", jwks_uri_internal: {private}}}
"""


@dataclass
class Publisher:
    """A partner's web server: pages by their paths, and who asked for which."""

    port: int = 0
    pages: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def publish(self, path: str, *keys: Key) -> None:
        """These keys are the client's."""
        listed = [{**key.as_dict(private=False), "kid": key.thumbprint()} for key in keys]
        self.pages[path] = (
            200,
            {"Content-Type": "application/jwk-set+json"},
            json.dumps({"keys": listed}).encode(),
        )


@pytest.fixture(scope="module")
def partner() -> Iterator[Publisher]:
    """The partner's server, whose certificate the gateway's machine trusts."""
    authority, publisher = Certificate.authority(), Publisher()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            publisher.asked.append(self.path)
            status, headers, body = publisher.pages.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with tempfile.TemporaryDirectory(prefix="smn-") as folder, pytest.MonkeyPatch.context() as patch:
        Path(folder).chmod(0o755)  # the parts of a node that root starts are somebody else
        authority.write(Path(folder), "authority")
        here = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        authority.issue("partner", names=here).write(Path(folder), "partner")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(Path(folder) / "partner.pem", Path(folder) / "partner.key")
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        publisher.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        trusted = Path(folder) / "trusted.pem"
        trusted.write_text(authority.pem())
        patch.setenv("SSL_CERT_FILE", str(trusted))
        try:
            yield publisher
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.fixture(scope="module")
def node(haproxy: Path, partner: Publisher) -> Iterator[BrowserNode]:
    """A gateway whose clients publish their keys there."""
    here = f"127.0.0.1:{partner.port}"
    places = {
        "robot": (f"{here}/robot.json", "true"),
        "shy": (f"{here}/robot.json", "false"),
        "other-name": (f"localhost:{partner.port}/robot.json", "true"),
        "moved": (f"{here}/moved.json", "true"),
        "large": (f"{here}/large.json", "true"),
        "web": (f"{here}/page.html", "true"),
    }
    clients = "".join(
        CLIENT.format(id=id_, place=place, private=private) for id_, (place, private) in places.items()
    )
    with browser_node(haproxy, CONFIG + clients) as running:
        yield running


def asks(node: BrowserNode, client: str, key: Key, **header: Any) -> Answer:
    """A client asks for a token, with what it signed."""
    now = int(time.time())
    claims = {"iss": client, "sub": client, "aud": node.issuer, "iat": now, "exp": now + 60}
    header = {"alg": "ES256", "kid": key.thumbprint(), **header}
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": TYPE,
        "client_assertion": signed(header, json.dumps({**claims, "jti": secrets.token_hex(8)}), key),
    }
    return node.form("/oauth/token", form)


def test_rotation(node: BrowserNode, partner: Publisher) -> None:
    """Its key gets a token that opens the route, and is fetched once; another's does not; a new one is good as soon as the
    client may be asked again, and the one that it took out is refused then.
    """
    old, new = new_key(), new_key()
    partner.publish("/robot.json", old)
    # A machine that is busy may be too slow for the first fetch: 503, and another try in a while.
    until(lambda: asks(node, "robot", old).status == 200, 60, "its key is good")
    fetched = list(partner.asked)
    answer = asks(node, "robot", old)
    assert answer.status == 200, answer
    assert node.call("GET", "/items", answer.json["access_token"]).status == 200
    assert partner.asked == fetched
    first_asked = time.monotonic()
    partner.publish("/robot.json", new)
    refused = asks(node, "robot", new)
    assert (refused.status, refused.json["error"]) == (401, "invalid_client")
    until(lambda: time.monotonic() > first_asked + PAUSE_SECONDS, 2 * PAUSE_SECONDS)
    assert asks(node, "robot", new).status == 200
    assert asks(node, "robot", old).status == 401


def test_what_is_no_name(node: BrowserNode, partner: Publisher) -> None:
    """A stranger whose `kid` is no text proves nothing: 401, as for a key that is not the client's."""
    partner.publish("/robot.json", new_key())
    until(lambda: asks(node, "robot", new_key()).status == 401, 60, "the client's keys are known")
    for kid in (["a"], {}, 1, True, None, "\ud800", ""):
        header = {"alg": "ES256", "kid": kid}
        parts = (json.dumps(header).encode(), b'{"iss":"robot","sub":"robot"}', bytes(64))
        form = {
            "grant_type": "client_credentials",
            "client_id": "robot",
            "client_assertion_type": TYPE,
            "client_assertion": ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts),
        }
        refused = node.form("/oauth/token", form)
        assert (refused.status, refused.json["error"]) == (401, "invalid_client"), kid


@pytest.mark.parametrize("client", ["shy", "other-name", "moved", "large", "web"])
def test_not_from_there(node: BrowserNode, partner: Publisher, client: str) -> None:
    """A private address that nobody allowed, a certificate of another name, a redirect, a flood, a page: our outage (503), and
    no token; what was not allowed is not even asked.
    """
    key = new_key()
    partner.publish("/robot.json", key)
    partner.pages["/moved.json"] = (302, {"Location": f"https://127.0.0.1:{partner.port}/robot.json"}, b"")
    partner.pages["/large.json"] = (200, {}, partner.pages["/robot.json"][2] + b" " * 70_000)
    partner.pages["/page.html"] = (200, {}, b"<html></html>")
    partner.asked.clear()
    answer = asks(node, client, key)
    assert (answer.status, answer.json["error"]) == (503, "temporarily_unavailable")
    assert "/robot.json" not in partner.asked
    assert "the keys of a client were not fetched" in node.log()
