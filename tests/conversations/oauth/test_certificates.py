"""Clients with certificates, and tokens that are bound to them (RFC 8705): the application behind HAProxy's words."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from sumun.config.plan import Address, CertificateFiles, ClientCertificates, Tls
from sumun.oauth.server import oauth_app
from tests.certificates import Certificate
from tests.conversations.oauth.oauth_server import ISSUER, ITSELF, SECRETS, Answer, OAuthServer, oauth_server

AUTHORITY = Certificate.authority()
JOBS = AUTHORITY.issue("jobs", names=[x509.DNSName("jobs.example.com")])
ORDERS = AUTHORITY.issue("orders", names=[x509.DNSName("orders.example.com")])
BOUND = {
    "grant_type": "password",
    "client_id": "bound-app",
    "username": "alice",
    "password": "alice-pass",
}


def by(certificate: Certificate, verification: str = "0") -> dict[str, str]:
    """What HAProxy says of a connection with this certificate."""
    return {"x-sumun-client-certificate": f"{verification};{base64.b64encode(certificate.der).decode()}"}


async def credentials(server: OAuthServer, client_id: str, headers: dict[str, str], **more: str) -> Answer:
    """A program asks for a token."""
    form = {"grant_type": "client_credentials", "client_id": client_id, **more}
    return await server.post("/oauth/token", form, headers=headers)


def claims(token: str) -> Any:
    """What a JWT says."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_by_a_name(tmp_path: Path) -> None:
    """A client whose name an authority vouches for gets a token that is bound to its certificate; introspection says so."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await credentials(server, "by-name", by(JOBS))
            assert answer.status == 200, answer
            assert answer.json["token_type"] == "Bearer"
            told = await server.introspect(answer.json["access_token"])
            assert told["cnf"] == {"x5t#S256": JOBS.thumbprint}
            assert told["token_type"] == "Bearer"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("client_id", "headers"),
    [
        ("by-name", {}),
        ("by-name", by(JOBS, "18")),
        ("by-name", by(JOBS, "-")),
        ("by-name", by(ORDERS)),
        ("by-itself", by(JOBS)),
        ("batch", by(JOBS)),
    ],
)
def test_refused(tmp_path: Path, client_id: str, headers: dict[str, str]) -> None:
    """No certificate, one that nobody vouches for, or another client's: one answer for all of it."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await credentials(server, client_id, headers)
            assert (answer.status, answer.json["error"]) == (401, "invalid_client")
            assert answer.json["error_description"] == "client authentication failed"

    asyncio.run(story())


def test_a_secret_beside_a_certificate(tmp_path: Path) -> None:
    """RFC 6749 2.3: one method in each request."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await credentials(server, "by-name", by(JOBS), client_secret="a")
            assert answer.status == 401

    asyncio.run(story())


def test_self_signed(tmp_path: Path) -> None:
    """A certificate of its own making is as good where it is known; a JWT carries the thumbprint (RFC 8705 3.1)."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await credentials(server, "by-itself", by(ITSELF, "18"))
            assert answer.status == 200, answer
            assert claims(answer.json["access_token"])["cnf"] == {"x5t#S256": ITSELF.thumbprint}

    asyncio.run(story())


def test_a_public_client(tmp_path: Path) -> None:
    """A public client's tokens are bound to whatever certificate it comes with; without one it gets none (section 4)."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await server.post("/oauth/token", BOUND, headers=by(ITSELF, "18"))
            told = await server.introspect(answer.json["access_token"])
            assert told["cnf"] == {"x5t#S256": ITSELF.thumbprint}
            without = await server.post("/oauth/token", BOUND)
            assert (without.status, without.json["error"]) == (400, "invalid_request")

    asyncio.run(story())


def test_refreshing(tmp_path: Path) -> None:
    """A public client's refresh token is for its certificate alone (section 4), and its theft ends nothing."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            first = await server.post("/oauth/token", BOUND, headers=by(ITSELF, "18"))
            again = {
                "grant_type": "refresh_token",
                "client_id": "bound-app",
                "refresh_token": first.json["refresh_token"],
            }
            for thief in ({}, by(JOBS)):
                answer = await server.post("/oauth/token", again, headers=thief)
                assert (answer.status, answer.json["error"]) == (400, "invalid_grant")
            answer = await server.post("/oauth/token", again, headers=by(ITSELF, "18"))
            assert answer.status == 200, answer
            told = await server.introspect(answer.json["access_token"])
            assert told["cnf"] == {"x5t#S256": ITSELF.thumbprint}

    asyncio.run(story())


def test_other_clients_tokens_are_not_bound(tmp_path: Path) -> None:
    """A certificate that a client merely happens to have binds nothing."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            form = {"grant_type": "client_credentials"}
            answer = await server.post(
                "/oauth/token", form, basic=("batch", SECRETS["batch"]), headers=by(JOBS)
            )
            assert "cnf" not in await server.introspect(answer.json["access_token"])

    asyncio.run(story())


def test_introspection_by_certificate(tmp_path: Path) -> None:
    """A resource server may be known by a certificate too."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token = (await credentials(server, "by-name", by(JOBS))).json["access_token"]
            form = {"token": token, "client_id": "orders-by-name"}
            told = await server.post("/oauth/introspect", form, headers=by(ORDERS))
            assert told.json["active"] is True
            assert (await server.post("/oauth/introspect", form)).status == 401

    asyncio.run(story())


def test_a_bound_token_at_our_own_endpoints(tmp_path: Path) -> None:
    """A ticket for a bound token is for who comes with its certificate; for everybody else the token is no good."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token = (await credentials(server, "by-name", by(JOBS))).json["access_token"]
            bearer = {"authorization": f"Bearer {token}"}
            for headers, status in ((by(JOBS), 200), ({}, 401), (by(ORDERS), 401)):
                answer = await server.call("POST", "/oauth/ws-ticket", bearer | headers)
                assert answer.status == status, answer

    asyncio.run(story())


def test_metadata(tmp_path: Path) -> None:
    """What is offered is said, and where: at another address as aliases (RFC 8705 5), and nothing where nobody is asked."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            path = "/.well-known/oauth-authorization-server"
            plain = (await server.call("GET", path)).json
            assert not {name for name in plain if "tls" in name}
            assert "tls_client_auth" not in plain["token_endpoint_auth_methods_supported"]
            for listen, aliases in ((None, None), (Address("0.0.0.0", 8443), "https://gw.example.com:8443")):
                clients = ClientCertificates("/ca.pem", required=False, listen=listen)
                tls = Tls((CertificateFiles("/gate.pem", "/gate.pem"),), clients)
                server.app = oauth_app(server.configured(tls={"public": tls}))
                told = (await server.call("GET", path)).json
                assert told["tls_client_certificate_bound_access_tokens"] is True
                methods = {"tls_client_auth", "self_signed_tls_client_auth"}
                assert methods <= set(told["token_endpoint_auth_methods_supported"])
                moved = told.get("mtls_endpoint_aliases")
                assert moved == (
                    aliases
                    and {
                        name: told[name].replace(ISSUER, aliases)
                        for name in told
                        if name.endswith("_endpoint")
                        and name not in ("authorization_endpoint", "end_session_endpoint")
                    }
                )

    asyncio.run(story())
