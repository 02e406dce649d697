"""Token exchange (RFC 8693): another token for the subject of one that is good."""

from __future__ import annotations

import asyncio

import pytest

from sumun.config.plan import TOKEN_EXCHANGE
from sumun.identity import Subject
from sumun.oauth.token_types import ACCESS_TOKEN_TYPE, JWT_TYPE
from sumun.tokens.store import Rights
from tests.contracts.occasions import held
from tests.conversations.oauth.oauth_server import AUDIENCE, SECRETS, Answer, OAuthServer
from tests.conversations.oauth.stories import Tell
from tests.conversations.oauth.test_certificates import JOBS, by, credentials
from tests.conversations.oauth.test_certificates import ORDERS as ORDERS_CERTIFICATE
from tests.conversations.oauth.test_dpop import HOST, KEY, TOKEN_URI, bound, nonce_of
from tests.conversations.oauth.test_refresh import is_active
from tests.conversations.oauth.test_resources import token as token_for
from tests.unit.tokens.proofs import jkt, new_key, proof

SHOP, ORDERS = "https://shop.example", "https://orders.example"
KINDS = {"opaque": "lasting-app", "jwt": "lasting-jwt-app"}


async def alices(server: OAuthServer, kind: str = "opaque", **more: str) -> str:
    """A token that alice got through an application."""
    answer = await server.password("alice", "alice-pass", KINDS[kind], **more)
    assert answer.status == 200, answer
    token: str = answer.json["access_token"]
    return token


async def exchange(server: OAuthServer, subject_token: str, client: str = "middle", **more: str) -> Answer:
    """The grant, by a service in the middle."""
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": subject_token,
        "subject_token_type": ACCESS_TOKEN_TYPE,
        **more,
    }
    return await server.post("/oauth/token", form, basic=(client, SECRETS[client]))


def refused(answer: Answer, error: str = "invalid_request") -> bool:
    """True for this refusal."""
    return (answer.status, answer.json["error"]) == (400, error)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wanted", [ACCESS_TOKEN_TYPE, JWT_TYPE])
def test_another_kind_of_token(tell: Tell, kind: str, wanted: str) -> None:
    """Opaque or JWT for either: the same person through the service, with `act` saying that it is the service."""

    async def story(server: OAuthServer) -> None:
        answer = await exchange(server, await alices(server, kind), requested_token_type=wanted)
        assert answer.status == 200, answer
        told = answer.json
        assert (told["issued_token_type"], told["token_type"]) == (wanted, "Bearer")
        assert (told["access_token"].count(".") == 2) == (wanted == JWT_TYPE)
        assert "refresh_token" not in told
        known = await server.introspect(told["access_token"])
        assert (known["sub"], known["client_id"]) == ("alice", "middle")
        assert known["act"] == {"sub": "middle", "sub_kind": "client"}
        assert known["scope"] == "order:* product:*"

    tell(story)


def test_only_who_lists_it_and_proves_who_it_is(tell: Tell) -> None:
    """A client without the grant may not, and a token has to be one of ours that is good."""

    async def story(server: OAuthServer) -> None:
        token = await alices(server)
        assert refused(await exchange(server, token, "batch"), "unauthorized_client")
        for other in ("", "x", "smn_at_" + "x" * 49, token[:-1] + "x", token + "x"):
            assert refused(await exchange(server, other))
        refresh_token = (await server.password("alice", "alice-pass", "lasting-app")).json["refresh_token"]
        assert refused(await exchange(server, refresh_token))
        for its_type in ("urn:ietf:params:oauth:token-type:id_token", "x", ""):
            assert refused(await exchange(server, token, subject_token_type=its_type))
        assert refused(await exchange(server, token, actor_token_type=JWT_TYPE))

    tell(story)


@pytest.mark.parametrize("kind", KINDS)
def test_never_more_scopes(tell: Tell, kind: str) -> None:
    """What is asked for is cut from what the token has and what the service may carry; more is refused."""

    async def story(server: OAuthServer) -> None:
        token = await alices(server, kind, scope="product:read report:read openid")
        told = (await exchange(server, token)).json
        assert (told["scope"], "id_token" in told) == ("product:read", False)
        assert (await exchange(server, token, scope="product:read")).json["scope"] == "product:read"
        for more in ("product:*", "order:read", "report:read", "*:*", "openid"):
            assert refused(await exchange(server, token, scope=more), "invalid_scope")
        other = await alices(server, kind, scope="report:read")
        assert refused(await exchange(server, other), "invalid_scope")

    tell(story)


@pytest.mark.parametrize("kind", KINDS)
def test_never_for_more_services(tell: Tell, kind: str) -> None:
    """`resource` and `audience` name fewer services than the token is for, never others."""

    async def story(server: OAuthServer) -> None:
        everywhere, both, shop = [
            (await token_for(server, KINDS[kind], *resources)).json["access_token"]
            for resources in ((), (SHOP, ORDERS), (SHOP,))
        ]
        for token in (everywhere, both):
            for parameter in ("resource", "audience"):
                told = (await exchange(server, token, **{parameter: ORDERS})).json
                assert (await server.introspect(told["access_token"]))["aud"] == [ORDERS]
        told = (await exchange(server, shop)).json
        assert (await server.introspect(told["access_token"]))["aud"] == [SHOP]
        for parameter in ("resource", "audience"):
            for more in (ORDERS, AUDIENCE, "https://other.example"):
                assert refused(await exchange(server, shop, **{parameter: more}), "invalid_target")

    tell(story)


@pytest.mark.parametrize("kind", KINDS)
def test_never_longer(tell: Tell, kind: str) -> None:
    """The new token ends with the time of the old one, although the service's own tokens live longer."""

    async def story(server: OAuthServer) -> None:
        token = await alices(server, kind)
        ends = (await server.introspect(token))["exp"]
        server.clock.seconds += 500
        told = (await exchange(server, token)).json
        assert (await server.introspect(told["access_token"]))["exp"] <= ends
        server.clock.seconds = ends - 0.5
        assert (await exchange(server, token)).status == 400

    tell(story)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wanted", [ACCESS_TOKEN_TYPE, JWT_TYPE])
def test_it_ends_with_the_token_that_it_came_of(tell: Tell, kind: str, wanted: str) -> None:
    """When the application gives its token back, what the service got for it is refused as well, and no other token."""

    async def story(server: OAuthServer) -> None:
        token, other = await alices(server, kind), await alices(server, kind)
        mine, others = [
            (await exchange(server, one, requested_token_type=wanted)).json["access_token"]
            for one in (token, other)
        ]
        given_back = await server.post("/oauth/revoke", {"client_id": KINDS[kind], "token": token})
        assert given_back.status == 200
        assert not await is_active(server, mine)
        assert await is_active(server, others)
        assert refused(await exchange(server, token))

    tell(story)


@pytest.mark.parametrize("kind", KINDS)
def test_it_ends_with_its_login(tell: Tell, kind: str) -> None:
    """With the refresh family of the application's login, and with everything that ends the person's logins."""

    async def story(server: OAuthServer) -> None:
        logged_in = (await server.password("alice", "alice-pass", KINDS[kind])).json
        mine = (await exchange(server, logged_in["access_token"])).json["access_token"]
        form = {"client_id": KINDS[kind], "token": logged_in["refresh_token"]}
        assert (await server.post("/oauth/revoke", form)).status == 200
        assert not await is_active(server, mine)
        token = await alices(server, kind)
        mine = (await exchange(server, token)).json["access_token"]
        await server.changes.end_logins(Subject.user("alice"), actor="user:alice")
        assert not await is_active(server, mine)
        assert refused(await exchange(server, token))

    tell(story)


def test_a_token_that_is_bound_to_a_key(tell: Tell) -> None:
    """It is taken from who proves the key, and what comes of it is bound to the same; from nobody else."""

    async def story(server: OAuthServer) -> None:
        text = await bound(server)

        async def with_proof(key: object, **nonce: str) -> Answer:
            headers = {**HOST, "dpop": proof("POST", TOKEN_URI, key, **nonce)}
            form = {"subject_token": text, "subject_token_type": ACCESS_TOKEN_TYPE}
            form["grant_type"] = TOKEN_EXCHANGE
            return await server.post(
                "/oauth/token", form, basic=("middle", SECRETS["middle"]), headers=headers
            )

        without = await exchange(server, text)
        assert refused(without)
        assert "a DPoP proof of that key is needed" in without.json["error_description"]
        assert refused(await with_proof(new_key(), nonce=await nonce_of(server)))
        answer = await with_proof(KEY, nonce=await nonce_of(server))
        assert (answer.status, answer.json["token_type"]) == (200, "DPoP")
        assert (await server.introspect(answer.json["access_token"]))["cnf"] == {"jkt": jkt(KEY)}

    tell(story)


@pytest.mark.parametrize("wanted", [ACCESS_TOKEN_TYPE, JWT_TYPE])
def test_a_token_that_is_bound_to_a_certificate(tell: Tell, wanted: str) -> None:
    """It is taken from a connection with that certificate, and what comes of it is bound to the same; no other, no key."""

    async def story(server: OAuthServer) -> None:
        text = (await credentials(server, "by-name", by(JOBS))).json["access_token"]

        async def over(headers: dict[str, str], **actor: str) -> Answer:
            form = {
                "subject_token": text,
                "subject_token_type": ACCESS_TOKEN_TYPE,
                "grant_type": TOKEN_EXCHANGE,
            }
            form |= {"requested_token_type": wanted, **actor}
            basic = ("middle", SECRETS["middle"])
            return await server.post("/oauth/token", form, basic=basic, headers=headers)

        with_key = {**HOST, "dpop": proof("POST", TOKEN_URI, new_key(), nonce=await nonce_of(server))}
        for headers in ({}, by(ORDERS_CERTIFICATE), with_key):
            answer = await over(headers)
            assert refused(answer)
            assert "bound to a certificate" in answer.json["error_description"]
        answer = await over(by(JOBS))
        assert (answer.status, answer.json["token_type"]) == (200, "Bearer"), answer
        told = await server.introspect(answer.json["access_token"])
        assert told["cnf"] == {"x5t#S256": JOBS.thumbprint}
        assert told["act"]["sub"] == "middle"

    tell(story)


def test_who_acts(tell: Tell) -> None:
    """With an actor token that was issued to the service, `act` names whose it is; another client's is refused."""

    async def story(server: OAuthServer) -> None:
        token = await alices(server)
        own = await server.post(
            "/oauth/token", {"grant_type": "client_credentials"}, basic=("middle", SECRETS["middle"])
        )
        actor = {"actor_token": own.json["access_token"], "actor_token_type": ACCESS_TOKEN_TYPE}
        told = (await exchange(server, token, **actor)).json
        assert (await server.introspect(told["access_token"]))["act"]["sub"] == "middle"
        bobs = (await server.password("bob", "bob-pass", "lasting-app")).json["access_token"]
        assert refused(await exchange(server, token, **(actor | {"actor_token": bobs})))

    tell(story)


def test_what_came_of_an_exchange_is_not_exchanged_again(tell: Tell) -> None:
    """Nor may it be an actor: a chain of actors would not be kept, and `act` would not tell the truth."""

    async def story(server: OAuthServer) -> None:
        for wanted in (ACCESS_TOKEN_TYPE, JWT_TYPE):
            token = await alices(server)
            once = (await exchange(server, token, requested_token_type=wanted)).json["access_token"]
            assert refused(await exchange(server, once))
            actor = {"actor_token": once, "actor_token_type": wanted}
            assert refused(await exchange(server, token, **actor))

    tell(story)


def test_a_token_with_rights_of_its_own(tell: Tell) -> None:
    """It is refused: the new token would follow the person, who may hold more."""

    async def story(server: OAuthServer) -> None:
        token = await alices(server)
        token_id = (await server.introspect(token))["jti"]
        none = Rights(frozenset(), held("product:read").permissions)
        await server.changes.edit_token(token_id, none, actor="cli:root")
        assert refused(await exchange(server, token))

    tell(story)


def test_a_revocation_beside_an_exchange(tell: Tell) -> None:
    """Whatever order they come in, what the service was given is refused afterwards."""

    async def story(server: OAuthServer) -> None:
        for kind, client in KINDS.items():
            for _ in range(5):
                token = await alices(server, kind)
                answer, given_back = await asyncio.gather(
                    exchange(server, token),
                    server.post("/oauth/revoke", {"client_id": client, "token": token}),
                )
                assert given_back.status == 200
                if answer.status == 200:
                    assert not await is_active(server, answer.json["access_token"])

    tell(story)
