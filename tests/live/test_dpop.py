"""Tokens that are bound to a key (RFC 9449), through a running gateway: who has the key may, whoever stole the token may
not. Proofs are made by joserfc.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from joserfc.jwk import Key

from tests.live.demo_node import Answer, whole_lines
from tests.live.kept_world import echo_service
from tests.live.node_under_test import (
    NodeUnderTest,
    node_folder,
    password_grant,
    shop_services,
    until,
    write_config,
)
from tests.live.open_streams import Wires
from tests.unit.tokens.proofs import key_for, new_key, proof, signed

JWT = "urn:ietf:params:oauth:token-type:jwt"
KEY = key_for("ES256")
ALGORITHMS = "ES256 Ed25519 EdDSA PS256 RS256"
ROUTES = """\
  - {path: /seen, methods: [GET, POST], service: seen, require: product:read}
  - {path: /kept, methods: [GET], service: seen, require: product:read, keep_authorization: true}
  - {path: /open, methods: [GET], service: seen, require: public}
"""

REGISTRATION = """\
registration: {open: true, scopes: ["product:read"], grants: [authorization_code, refresh_token]}
"""


class Holder:
    """A client that has a key and follows the nonces that it is told, as RFC 9449 8 has it."""

    def __init__(self, node: NodeUnderTest, key: Key = KEY) -> None:
        self.node = node
        self.key = key
        self.nonce: str | None = None

    def token(self, name: str = "ann", **fields: str) -> str:
        """A token for this key."""
        for _ in range(2):
            text = proof("POST", f"{self.node.issuer}/oauth/token", self.key, nonce=self.nonce)
            answer = self.node.form("/oauth/token", password_grant(name) | fields, DPoP=text)
            self.nonce = answer.headers["dpop-nonce"]
            if answer.status == 200:
                assert answer.json["token_type"] == "DPoP"
                return str(answer.json["access_token"])
        raise AssertionError(answer)

    def proof(self, method: str, path: str, token: str, **changes: Any) -> str:
        """A proof of this call."""
        made = {"token": token, "nonce": self.nonce, **changes}
        return proof(method, self.node.issuer + path.partition("?")[0], self.key, **made)

    def call(self, token: str, method: str = "GET", path: str = "/seen") -> Answer:
        """A call with a proof, and once more when a nonce is wanted."""
        for _ in range(2):
            answer = self.send(token, self.proof(method, path, token), method, path)
            self.nonce = answer.headers.get("dpop-nonce", self.nonce)
            if answer.status != 401 or 'error="use_dpop_nonce"' not in answer.headers["www-authenticate"]:
                break
        return answer

    def send(
        self, token: str, text: str | None, method: str = "GET", path: str = "/seen", scheme: str = "DPoP"
    ) -> Answer:
        """Exactly this call."""
        proofs = {} if text is None else {"DPoP": text}
        return self.node.call(method, path, Authorization=f"{scheme} {token}", **proofs)


@pytest.fixture(scope="module")
def node(haproxy: Path) -> Iterator[NodeUnderTest]:
    """One running gateway for all tests of this file, with a service that tells which header fields it was sent."""
    with node_folder() as folder, echo_service() as seen:
        node = NodeUnderTest(data=folder / "data", environment={"HAPROXY": str(haproxy)})
        with shop_services(node.issuer) as ports:
            node.config = write_config(folder, node.port, ports)
            text = node.config.read_text()
            text = text.replace("services:\n", f"services:\n  seen: {{url: http://127.0.0.1:{seen}}}\n")
            node.config.write_text(text.replace("routes:\n", f"routes:\n{ROUTES}") + REGISTRATION)
            with node.running():
                for name in ("ann", "bob"):
                    node.add_person(name, "user")
                yield node
            assert "Traceback" not in node.log(), node.log()[-4000:]


@pytest.fixture
def ann(node: NodeUnderTest) -> Holder:
    """Who has the key."""
    return Holder(node)


def names(answer: Answer) -> Mapping[str, str]:
    """The header fields that the service was sent."""
    return {name.lower(): value for name, value in json.loads(answer.body)}


def refused(answer: Answer, error: str) -> None:
    """401 with a DPoP challenge."""
    assert answer.status == 401, answer
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith(f'DPoP realm="sumun", error="{error}"'), challenge
    assert f', algs="{ALGORITHMS}", resource_metadata="http://' in challenge
    assert answer.json["code"] == error


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_the_holder_may(ann: Holder, kind: str) -> None:
    """Each call with a proof of its own is let through and named, and the service sees neither token nor proof."""
    token = ann.token(**({"requested_token_type": JWT} if kind == "jwt" else {}))
    for path in ("/seen", "/seen?page=2", "/seen"):
        answer = ann.call(token, path=path)
        assert answer.status == 200, answer
        fields = names(answer)
        assert fields["x-user-id"] == "ann"
        assert not fields.keys() & {"dpop", "authorization"}
    assert ann.call(token, "POST", "/products").status == 403


def test_the_nonce_dance(ann: Holder) -> None:
    """Without a nonce of ours: 401 `use_dpop_nonce` with one, which is good for the next call; an old one is not."""
    token = ann.token()
    nonce = ann.nonce
    ann.nonce = None
    answer = ann.send(token, ann.proof("GET", "/seen", token))
    refused(answer, "use_dpop_nonce")
    assert answer.headers["dpop-nonce"]
    refused(ann.send(token, ann.proof("GET", "/seen", token, nonce="made-up")), "use_dpop_nonce")
    ann.nonce = answer.headers["dpop-nonce"]
    answer = ann.send(token, ann.proof("GET", "/seen", token))
    assert (answer.status, bool(answer.headers["dpop-nonce"])) == (200, True)
    assert nonce


def test_a_stolen_token_is_useless(ann: Holder, node: NodeUnderTest) -> None:
    """The token without its key: as Bearer, without a proof, with the thief's, with one for another call or token."""
    token, other = ann.token(), ann.token("bob")
    assert ann.call(token).status == 200
    thief = Holder(node, new_key())
    thief.nonce = ann.nonce
    bearer = thief.send(token, None, scheme="Bearer")
    assert (bearer.status, bearer.json["code"]) == (401, "invalid_token")
    assert f', DPoP algs="{ALGORITHMS}", resource_metadata="http://' in bearer.headers["www-authenticate"]
    assert thief.send(token, ann.proof("GET", "/seen", token), scheme="Bearer").status == 401
    refused(thief.send(token, None), "invalid_dpop_proof")
    refused(thief.send(token, thief.proof("GET", "/seen", token)), "invalid_token")
    refused(thief.send(token, ann.proof("POST", "/seen", token)), "invalid_dpop_proof")
    refused(thief.send(token, ann.proof("GET", "/products", token)), "invalid_dpop_proof")
    refused(thief.send(token, ann.proof("GET", "/seen", other)), "invalid_dpop_proof")
    refused(
        thief.send(token, proof("GET", "https://evil.example/seen", KEY, token=token, nonce=ann.nonce)),
        "invalid_dpop_proof",
    )
    for path in (f"/seen?access_token={token}", f"/chat?access_token={token}"):
        assert node.call("GET", path).status in (400, 401)
    assert ann.call(token).status == 200


def test_a_proof_is_good_once(ann: Holder) -> None:
    """A proof that was seen on the wire is no use: it is taken once."""
    token = ann.token()
    text = ann.proof("GET", "/seen", token)
    assert ann.send(token, text).status == 200
    refused(ann.send(token, text), "invalid_dpop_proof")


def test_another_host_is_not_ours(ann: Holder, node: NodeUnderTest) -> None:
    """A proof made for somebody else's server is refused although the request claims that server's name."""
    token = ann.token()
    text = proof("GET", "http://evil.example/seen", KEY, token=token, nonce=ann.nonce)
    answer = node.call("GET", "/seen", Host="evil.example", Authorization=f"DPoP {token}", DPoP=text)
    refused(answer, "invalid_dpop_proof")


def test_a_bearer_token_is_no_dpop_token(ann: Holder, node: NodeUnderTest) -> None:
    """A token that is bound to nothing is refused by the scheme DPoP, and a stray proof beside Bearer is taken away."""
    token = node.log_in("ann")
    ann.token()
    refused(ann.send(token, ann.proof("GET", "/seen", token)), "invalid_token")
    for path in ("/seen", "/kept", "/open"):
        answer = ann.send(token, "a-proof", path=path, scheme="Bearer")
        assert answer.status == 200, answer
        assert "dpop" not in names(answer)


def test_nothing_is_kept_of_a_bound_token(ann: Holder, node: NodeUnderTest) -> None:
    """However often it is called, every call is asked about; a thief never meets a call that is known."""
    token = ann.token()
    for _ in range(10):
        assert ann.call(token).status == 200
    bearer = ann.send(token, None, scheme="Bearer")
    assert bearer.status == 401
    lines = node.data / "log" / "access.log"
    until(lambda: bearer.json["request_id"] in str(whole_lines(lines)), why="the line of the last call")
    seen = list(map(json.loads, whole_lines(lines)))
    assert not [one for one in seen if one["be"] == "known.seen"]
    (last,) = [one for one in seen if one["id"] == bearer.json["request_id"]]
    assert (last["be"], last["why"]) == ("ask.seen", "binding_failed")


def test_two_proofs_are_refused(ann: Holder, node: NodeUnderTest) -> None:
    """Two DPoP fields, and two Authorization fields: 400, and nobody is asked."""
    token = ann.token()
    good = [("Authorization", f"DPoP {token}"), ("DPoP", ann.proof("GET", "/seen", token))]
    for extra in (("DPoP", ann.proof("GET", "/seen", token)), ("Authorization", f"Bearer {token}")):
        connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
        connection.putrequest("GET", "/seen")
        for name, value in (*good, extra):
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["code"]) == (400, "two_credentials")
        connection.close()


@pytest.mark.parametrize("text", ["", "junk", "a.b.c", "eyJ.eyJ.eyJ", "x" * 4000, "%00", "a, b"])
def test_junk_is_refused(ann: Holder, text: str) -> None:
    """What is no proof is refused as one, and nothing breaks."""
    token = ann.token()
    answer = ann.send(token, text)
    refused(answer, "invalid_dpop_proof")
    assert ann.send(token, "x" * 5000).status == 431


def test_a_revoked_token_is_over(ann: Holder, node: NodeUnderTest) -> None:
    """The best proof is worth nothing for a token that was given back."""
    token = ann.token()
    assert ann.call(token).status == 200
    assert node.form("/oauth/revoke", {"token": token, "client_id": "shop-app"}).status == 200
    refused(ann.call(token), "invalid_token")


def test_streams_are_proven_once(ann: Holder, node: NodeUnderTest) -> None:
    """A WebSocket and an event stream open by a proof with the handshake, live on without, and end with the token."""
    token = ann.token()
    with Wires(node) as wires:

        def lines(path: str) -> tuple[str, str]:
            return f"Authorization: DPoP {token}", f"DPoP: {ann.proof('GET', path, token)}"

        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", key)
        chat = wires.open("/chat", "", *lines("/chat"), *upgrade)
        prices = wires.open("/prices", "", *lines("/prices"), "Accept: text/event-stream")
        assert (chat.is_open(), prices.is_open(), chat.echoes()) == (True, True, True)
        # Something else of hers changes: what is open is judged again, and needs no new proof.
        done = node.sumun("user", "grant", "ann", "--permission", "product:create")
        assert done.returncode == 0, done.stderr
        assert (chat.is_open(), prices.is_open(), chat.echoes()) == (True, True, True)
        assert node.form("/oauth/revoke", {"token": token, "client_id": "shop-app"}).status == 200
        until(lambda: not chat.is_open() and not prices.is_open(), why="the streams go on")
    assert node.sumun("user", "revoke", "ann", "--permission", "product:create").returncode == 0


def test_a_ticket_stands_for_a_proof(ann: Holder, node: NodeUnderTest) -> None:
    """A browser gets a ticket by a proof, and opens a WebSocket with it; a thief gets none."""
    token = ann.token()
    assert node.call("POST", "/oauth/ws-ticket", token).status == 401
    answer = ann.call(token, "POST", "/oauth/ws-ticket")
    assert answer.status == 200, answer
    with Wires(node) as wires:
        assert wires.chat("", f"?ticket={answer.json['ticket']}").echoes()


def test_a_client_registers_and_goes(node: NodeUnderTest) -> None:
    """It registers with a key, proves itself with it, changes its name, and is nobody from the moment that it goes."""
    key = new_key()
    asked = {
        "client_name": "Robot",
        "redirect_uris": ["https://robot.example/back"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [key.as_dict(private=False)]},
    }

    def send(method: str, path: str, body: Any = None, token: str | None = None) -> Answer:
        text = None if body is None else json.dumps(body)
        return node.call(method, path, token, body=text, Content_Type="application/json")

    def proves() -> str:
        """What an assertion and a refresh token of nobody are answered."""
        now = int(time.time())
        claims = {
            "iss": name,
            "sub": name,
            "aud": node.issuer,
            "jti": token_hex(8),
            "iat": now,
            "exp": now + 60,
        }
        form = {
            "grant_type": "refresh_token",
            "refresh_token": "x",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": signed({"alg": "ES256"}, json.dumps(claims), key),
        }
        return str(node.form("/oauth/token", form).json["error"])

    told = send("POST", "/oauth/register", asked)
    assert told.status == 201, told
    name, token = told.json["client_id"], told.json["registration_access_token"]
    path = f"/oauth/register/{name}"
    assert told.json["registration_client_uri"] == node.issuer + path
    assert proves() == "invalid_grant"
    changed = send("PUT", path, asked | {"client_id": name, "client_name": "Rob"}, token)
    assert (changed.status, changed.json["client_name"]) == (200, "Rob"), changed
    assert send("GET", path, token=token).json["client_name"] == "Rob"
    assert send("GET", path, token="smn_rg_other").status == 401
    assert name in node.sumun("client", "list").stdout
    assert send("DELETE", path, token=token).status == 204
    assert proves() == "invalid_client"
    assert send("GET", path, token=token).status == 401
