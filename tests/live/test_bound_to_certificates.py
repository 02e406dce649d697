"""Tokens that are bound to a certificate, through the whole gateway: worth nothing to whoever has only read them."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from cryptography import x509

from tests.certificates import Certificate
from tests.live import http2
from tests.live.demo_node import Answer
from tests.live.other_clients import javascript, nobody
from tests.live.tls_world import CONFIG, TlsCaller, TlsNode, call_on, tls_node, told

ITSELF = Certificate.self_signed("meter")

CLIENTS = f"""
  - {{{{id: billing, kind: confidential, grants: [client_credentials], may_ask_for: [jwt], certificate: {{{{san_dns: billing.example.com}}}}}}}}
  - {{{{id: meter, kind: confidential, grants: [client_credentials], certificate: {{{{thumbprints: [{ITSELF.thumbprint}]}}}}}}}}
  - {{{{id: middle, kind: confidential, grants: ["urn:ietf:params:oauth:grant-type:token-exchange"], scopes: ["*:*"], certificate: {{{{san_dns: billing.example.com}}}}}}}}
"""
JWT = {"requested_token_type": "urn:ietf:params:oauth:token-type:jwt"}


@pytest.fixture(scope="module")
def node(haproxy: object) -> Iterator[TlsNode]:
    """A gateway that asks callers for certificates, at an address of their own."""
    asking = "{{authorities: partners.pem, revoked: revoked.pem, listen: 127.0.0.1:{asking}}}"
    with tls_node(CONFIG.replace("{{authorities: partners.pem}}", asking).rstrip() + CLIENTS) as running:
        yield running


@dataclass
class Holder:
    """A client, the caller with its certificate, and others."""

    client_id: str
    caller: TlsCaller
    others: dict[str, TlsCaller]

    def token(self, **more: str) -> str:
        """A token of its own."""
        answer = self.asks(self.caller, **more)
        assert answer.status == 200, answer
        return str(answer.json["access_token"])

    def asks(self, caller: TlsCaller, **more: str) -> Answer:
        """Somebody asks for a token in its name."""
        form = {"grant_type": "client_credentials", "client_id": self.client_id, **more}
        return caller.form("/oauth/token", form)


@pytest.fixture(scope="module")
def billing(node: TlsNode) -> Holder:
    """A client that an authority vouches for, and everybody else that might have its token."""
    names = [x509.DNSName("billing.example.com")]
    partners = node.authorities.partners
    others = {
        "nobody": node.caller(),
        "a client of the same authority": node.caller(
            partners.issue("x", names=[x509.DNSName("x.example.com")])
        ),
        "who signed the same names": node.caller(Certificate.self_signed(names=names)),
        "whose authority has the same name": node.caller(
            Certificate.authority("partners' authority").issue("billing", names=names)
        ),
        "a server of that name": node.caller(partners.issue("billing", names=names, for_servers_only=True)),
        "one whose time is over": node.caller(partners.issue("billing", names=names, days=-0.5)),
    }
    return Holder("billing", node.caller(partners.issue("billing", names=names)), others)


def test_the_address_of_their_own(node: TlsNode, billing: Holder) -> None:
    """The metadata leads a client to where it is asked for its certificate; at the other address nobody is."""
    usual = TlsCaller(node.port, billing.caller.context)
    metadata = usual.call("GET", "/.well-known/oauth-authorization-server").json
    assert metadata["token_endpoint"] == f"https://127.0.0.1:{node.port}/oauth/token"
    assert (
        metadata["mtls_endpoint_aliases"]["token_endpoint"] == f"https://127.0.0.1:{node.asking}/oauth/token"
    )
    assert metadata["tls_client_certificate_bound_access_tokens"] is True
    token = billing.token()
    assert billing.asks(usual).status == 401
    assert usual.call("GET", "/items", token).status == 401
    assert billing.caller.call("GET", "/items", token).status == 200


def test_a_client_that_we_did_not_write(node: TlsNode) -> None:
    """npm oauth4webapi finds the addresses for certificates, gets a token, uses it and gives it back; stolen, it is no good."""
    own = node.authorities.partners.issue("billing", names=[x509.DNSName("billing.example.com")])
    setup = {
        "issuer": node.issuer,
        "client": "billing",
        "authority": node.authorities.gate.pem(),
        "certificate": own.pem(),
        "key": own.key_pem(),
        "resource": f"https://127.0.0.1:{node.asking}/items",
    }
    verdict = javascript("oauth4webapi_certificate", "client_credentials")(setup, nobody)
    assert verdict == {
        "token_type": "bearer",
        "allowed": 200,
        "stolen": "invalid_token",
        "revoked": "invalid_token",
    }


def test_only_the_client_gets_tokens(billing: Holder) -> None:
    """The client's certificate gets a token, and each other one is `invalid_client`, what HAProxy is told by callers included."""
    billing.token()
    lie = {"X_Sumun_Client_Certificate": "0;AAAA", "X-SUMUN-Client-Certificate": "0;AAAA"}
    for who, caller in billing.others.items():
        for headers in ({}, lie):
            form = {"grant_type": "client_credentials", "client_id": "billing"}
            answer = caller.form("/oauth/token", form, **headers)
            assert (answer.status, answer.json["error"]) == (401, "invalid_client"), who


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_a_stolen_token_is_worth_nothing(node: TlsNode, billing: Holder, kind: str) -> None:
    """Used by its holder again and again, also at this moment on an open connection, and refused to everybody else in between."""
    token = billing.token(**(JWT if kind == "jwt" else {}))
    held = billing.caller.connection()
    for _ in range(3):
        for _ in range(3):
            assert told(call_on(held, "GET", "/items", token))["x-user-roles"] == ""
            assert told(billing.caller.call("GET", "/items", token))["x-client-id"] == "billing"
        for who, caller in billing.others.items():
            answer = caller.call("GET", "/items", token)
            assert (answer.status, answer.json["code"]) == (401, "invalid_token"), who
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]
            assert caller.call("POST", "/oauth/ws-ticket", token).status == 401
    held.close()


def test_exchanged_by_its_holder_alone(billing: Holder) -> None:
    """Over the connection of its certificate it becomes another token, as bound as it was; nobody else can exchange it."""
    token = billing.token()
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "client_id": "middle"}
    form |= {"subject_token": token, "subject_token_type": "urn:ietf:params:oauth:token-type:access_token"}
    exchanged = billing.caller.form("/oauth/token", form)
    assert exchanged.status == 200, exchanged
    narrow = str(exchanged.json["access_token"])
    assert billing.caller.call("GET", "/items", narrow).status == 200
    for who, caller in billing.others.items():
        assert caller.form("/oauth/token", form).status == 401, who
        assert caller.call("GET", "/items", narrow).status == 401, who


def test_nothing_is_kept_of_it(node: TlsNode, billing: Holder) -> None:
    """Beside it an ordinary token of this gateway is known to HAProxy after some calls; the bound one is asked about each time."""
    form = {
        "grant_type": "client_credentials",
        "client_id": "jobs",
        "client_secret": "jobs-secret-of-the-test",
    }
    ordinary = str(node.caller().form("/oauth/token", form).json["access_token"])
    bound = billing.token()
    seen = {ordinary: set[str](), bound: set[str]()}
    for _ in range(20):
        for token, backends in seen.items():
            answer = billing.caller.call("GET", "/items", token)
            backends.add(node.logged(told(answer)["x-request-id"])["be"])
    assert seen[bound] == {"ask.items"}
    assert "known.items" in seen[ordinary]


def test_a_certificate_of_its_own_making(node: TlsNode) -> None:
    """A self-signed certificate that is known is as good: for the token, and with it."""
    meter = Holder("meter", node.caller(ITSELF), {})
    token = meter.token()
    assert meter.caller.call("GET", "/items", token).status == 200
    again = node.caller(Certificate.self_signed("meter"))
    assert again.call("GET", "/items", token).status == 401
    assert meter.asks(again).status == 401


def test_a_certificate_that_was_taken_back(node: TlsNode, billing: Holder) -> None:
    """After a reload with the authority's new list its holder is nobody; the others go on."""
    names = [x509.DNSName("billing.example.com")]
    lost = node.authorities.partners.issue("billing", names=names)
    thief = node.caller(lost)
    assert billing.asks(thief).status == 200
    (node.folder / "revoked.pem").write_text(node.authorities.partners.revoked(lost))
    assert node.sumun("reload", "--data", str(node.data)).returncode == 0
    assert billing.asks(thief).status == 401
    assert billing.asks(billing.caller).status == 200


def test_over_http2(node: TlsNode, billing: Holder) -> None:
    """The same holds for HTTP/2: the certificate is the connection's."""
    token = billing.token()
    bearer = (b"authorization", f"Bearer {token}".encode())
    for caller, status in ((billing.caller, 200), (node.caller(), 401), (node.caller(ITSELF), 401)):
        context = caller.context
        context.set_alpn_protocols(["h2"])
        with (
            socket.create_connection(("127.0.0.1", caller.port), timeout=60) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
        ):
            assert http2.call_on(connection, http2.fields("GET", "/items", bearer)).status == status
        context.set_alpn_protocols(["http/1.1"])


def test_a_certificate_behind_a_body(node: TlsNode, billing: Holder) -> None:
    """What only HAProxy may say is not believed of a caller that says it in the trailers of its request."""
    forged = Certificate.self_signed(names=[x509.DNSName("billing.example.com")])
    told = f"X-Sumun-Client-Certificate: 0;{base64.b64encode(forged.der).decode()}"
    form = "grant_type=client_credentials&client_id=billing"
    head = "POST /oauth/token HTTP/1.1\r\nHost: gate\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    body = f"Transfer-Encoding: chunked\r\n\r\n{len(form):x}\r\n{form}\r\n0\r\n{told}\r\n\r\n"
    for caller, status in ((node.caller(), 401), (node.caller(forged), 401), (billing.caller, 200)):
        with (
            socket.create_connection(("127.0.0.1", caller.port), timeout=60) as plain,
            caller.context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
        ):
            connection.sendall((head + body).encode())
            assert connection.recv(1000).startswith(f"HTTP/1.1 {status}".encode())


def test_a_session_that_goes_on(node: TlsNode, billing: Holder) -> None:
    """One connection, one certificate: a token of another client is refused on it, and its own goes on."""
    meter = Holder("meter", node.caller(ITSELF), {})
    connection = meter.caller.connection()
    own, stolen = meter.token(), billing.token()
    for _ in range(3):
        assert call_on(connection, "GET", "/items", own).status == 200
        assert call_on(connection, "GET", "/items", stolen).status == 401
    connection.close()


def test_a_large_certificate(node: TlsNode, billing: Holder) -> None:
    """A certificate that is too large to be told of proves nothing; whoever comes with it can do what needs none."""
    names = [x509.DNSName("billing.example.com"), *(x509.DNSName(f"{n:060}.example.com") for n in range(60))]
    large = node.caller(node.authorities.partners.issue("billing", names=names))
    assert large.call("GET", "/open").status == 200
    assert billing.asks(large).status == 401
    body = "a" * 60_000
    answer = billing.caller.form(
        "/oauth/token", {"grant_type": "client_credentials", "client_id": "billing", "x": body}
    )
    assert answer.status == 200, answer
