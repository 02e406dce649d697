"""A gateway that speaks TLS, its certificates, and callers with and without one of their own."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509

from tests.certificates import Certificate
from tests.live.demo_node import Answer
from tests.live.kept_world import echo_service
from tests.live.node_under_test import NodeUnderTest, node_folder, until
from tests.live.ports import free_ports

SECRET = "jobs-secret-of-the-test"

CONFIG = """
listen: 127.0.0.1:{port}
limits: {{decision_timeout: 2s}}
tls:
  certificates: [{{chain: gate.pem, key: gate.key}}, {{chain: other.pem}}]
  client_certificates: {{authorities: partners.pem}}
  hsts: 180d
  redirect_from: 127.0.0.1:{redirect}
internal:
  listen: 127.0.0.1:{internal}
  tls:
    certificates: [{{chain: gate.pem, key: gate.key}}]
    client_certificates: {{authorities: inner.pem, required: true}}
services:
  items: {{url: "http://127.0.0.1:{service}"}}
routes:
  - {{path: /items, service: items}}
  - {{path: /open, service: items, require: public}}
  - {{path: /page, service: items, session: true}}
  - {{path: /inside, service: items, require: internal}}
clients:
  - {{id: jobs, kind: confidential, secret: "file:jobs.secret", grants: [client_credentials], may_ask_for: [jwt]}}
"""


@dataclass
class Authorities:
    """`gate` vouches for the gateway, `partners` for callers of the public listener, `inner` for those of the internal one."""

    gate: Certificate = field(default_factory=lambda: Certificate.authority("gate authority"))
    partners: Certificate = field(default_factory=lambda: Certificate.authority("partners' authority"))
    inner: Certificate = field(default_factory=lambda: Certificate.authority("inner authority"))


@dataclass
class TlsNode(NodeUnderTest):
    """`sumun run` with TLS. `port` is the public listener, the next one redirects, the one after is internal.

    `asking`: where the public listener asks for certificates.
    """

    authorities: Authorities = field(default_factory=Authorities)
    asking: int = 0

    @property
    def folder(self) -> Path:
        """Where the configuration and its files are."""
        return self.config.parent

    @property
    def issuer(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def healthy(self) -> bool:
        try:
            return self.caller().call("GET", "/healthz").status == 200
        except OSError:
            return False

    def caller(self, certificate: Certificate | None = None, *, port: int = 0) -> TlsCaller:
        """Somebody who trusts the gateway's authority, with a certificate of their own or without.

        Without `port` they come where they are asked for certificates.
        """
        context = ssl.create_default_context(cadata=self.authorities.gate.pem())
        if certificate is not None:
            show(context, certificate, self.folder)
        return TlsCaller(port or self.asking, context)

    def logged(self, request_id: str) -> dict[str, Any]:
        """The line of the access log about this request."""
        log = self.data / "log" / "access.log"
        mark = f'"id":"{request_id}"'
        found: list[str] = []

        def look() -> bool:
            found[:] = [line for line in log.read_text().splitlines() if mark in line]
            return bool(found)

        until(look, why=f"the line of {request_id}")
        return dict(json.loads(found[0]))

    def renew(self) -> Certificate:
        """Another certificate of the gateway in the place of the one before; in force after a reload."""
        return self.authorities.gate.issue("gate").write(self.folder, "gate")


def show(context: ssl.SSLContext, certificate: Certificate, folder: Path) -> None:
    """Let connections come with this certificate: Python takes it from a file only."""
    file = folder / "shown.pem"
    file.write_text(certificate.key_pem() + certificate.pem())
    context.load_cert_chain(file)
    file.unlink()


@dataclass
class TlsCaller:
    """Calls one listener, each time by a new connection unless `kept` is asked for one."""

    port: int
    context: ssl.SSLContext

    def connection(self) -> http.client.HTTPSConnection:
        """A connection of its own."""
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self.context)

    def call(
        self, method: str, path: str, token: str = "", body: str | None = None, **headers: str
    ) -> Answer:
        """One call on a connection of its own. Header names are given with underscores."""
        connection = self.connection()
        try:
            return call_on(connection, method, path, token, body, **headers)
        finally:
            connection.close()

    def form(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        """POST an urlencoded form."""
        headers["Content_Type"] = "application/x-www-form-urlencoded"
        return self.call("POST", path, body=urllib.parse.urlencode(fields), **headers)


def call_on(
    connection: http.client.HTTPSConnection,
    method: str,
    path: str,
    token: str = "",
    body: str | None = None,
    **headers: str,
) -> Answer:
    """One call on this connection."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        sent["Authorization"] = f"Bearer {token}"
    connection.request(method, path, body=body, headers=sent)
    response = connection.getresponse()
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def told(answer: Answer) -> dict[str, Any]:
    """The header fields that the service received."""
    assert answer.status == 200, answer.body
    return dict(json.loads(answer.body))


@contextmanager
def tls_node(config: str = CONFIG, *options: str) -> Iterator[TlsNode]:
    """A running node with these words behind its command line; it must end well."""
    with node_folder() as folder, echo_service() as service:
        port = free_ports(4)[0]
        node = TlsNode(data=folder / "data", port=port, asking=port + 3 if "{asking}" in config else port)
        node.config, node.options = folder / "sumun.yaml", options
        node.renew()
        other = node.authorities.gate.issue("other", names=[x509.DNSName("other.example")])
        (folder / "other.pem").write_text(other.key_pem() + other.pem())
        (folder / "partners.pem").write_text(node.authorities.partners.pem())
        (folder / "revoked.pem").write_text(node.authorities.partners.revoked())
        (folder / "inner.pem").write_text(node.authorities.inner.pem())
        (folder / "jobs.secret").write_text(f"{SECRET}\n")
        (folder / "jobs.secret").chmod(0o600)
        ports = {
            "asking": node.asking,
            "port": node.port,
            "redirect": node.port + 1,
            "internal": node.port + 2,
            "service": service,
        }
        node.config.write_text(config.format(**ports))
        node.start()
        try:
            yield node
        finally:
            assert node.stop() == 0
            assert "Traceback" not in node.log(), node.log()[-4000:]
