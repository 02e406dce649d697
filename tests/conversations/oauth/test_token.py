"""The token endpoint, from request to answer."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

from sumun.access import TokenKind
from sumun.config.plan import ClientKind
from sumun.directory import Held, RegisteredClient
from sumun.identity import Permission
from sumun.login.authenticator import Identified, PasswordProof
from sumun.oauth.server import oauth_app
from tests.conversations.oauth.oauth_server import SECRETS, oauth_server, registered

OPAQUE = re.compile(r"smn_at_[0-9A-Za-z]{49}")


def test_password_grant(tmp_path: Path) -> None:
    """Alice logs in and gets an opaque token, told as RFC 6749 5.1 wants it."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await server.password("alice", "alice-pass")
            assert answer.status == 200
            assert OPAQUE.fullmatch(answer.json["access_token"])
            assert {name: answer.json[name] for name in ("token_type", "expires_in", "scope")} == {
                "token_type": "Bearer",
                "expires_in": 900,
                "scope": "*:*",
            }
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["pragma"] == "no-cache"
            told = await server.introspect(answer.json["access_token"])
            assert told["sub"] == "alice"
            assert told["roles"] == ["admin"]

    asyncio.run(story())


def test_client_credentials_grant(tmp_path: Path) -> None:
    """A program acts for itself, by either way of RFC 6749 2.3.1."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            form = {"grant_type": "client_credentials"}
            by_basic = await server.post("/oauth/token", form, basic=("batch", SECRETS["batch"]))
            in_body = {**form, "client_id": "batch", "client_secret": SECRETS["batch"]}
            by_post = await server.post("/oauth/token", in_body)
            for answer in (by_basic, by_post):
                assert answer.status == 200, answer
                told = await server.introspect(answer.json["access_token"])
                assert (told["sub"], told["sub_kind"], told["client_id"]) == ("batch", "client", "batch")
                assert told["permissions"] == ["order:read", "product:read"]
                assert "username" not in told

    asyncio.run(story())


def test_secret_with_every_sign(tmp_path: Path) -> None:
    """A secret with spaces, a colon, percent, plus and an accent works in Basic, form-urlencoded as the RFC demands."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            form = {"grant_type": "client_credentials"}
            assert (
                await server.post("/oauth/token", form, basic=("strange", SECRETS["strange"]))
            ).status == 200

    asyncio.run(story())


def test_jwt(tmp_path: Path) -> None:
    """A client of the kind jwt gets a JWT with what the subject holds, cut down to what its scopes reach."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await server.password("carol", "carol-pass", "jwt-app", scope="product:*")
            assert answer.status == 200
            token = answer.json["access_token"]
            assert token.count(".") == 2
            assert answer.json["expires_in"] == 600
            told = await server.introspect(token)
            assert told["sub"] == "carol"
            assert told["permissions"] == ["product:create"]
            assert b"order" not in base64.urlsafe_b64decode(token.split(".")[1] + "==")

    asyncio.run(story())


ANY_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
A_JWT = "urn:ietf:params:oauth:token-type:jwt"


@pytest.mark.parametrize(
    ("client", "asked", "dots", "seconds"),
    [
        ("both-app", None, 0, 900),
        ("both-app", ANY_TOKEN, 0, 900),
        ("both-app", A_JWT, 2, 600),
        ("jwt-app", ANY_TOKEN, 2, 600),
        ("jwt-app", A_JWT, 2, 600),
        ("shop-app", ANY_TOKEN, 0, 900),
    ],
)
def test_kind_asked_for(tmp_path: Path, client: str, asked: str | None, dots: int, seconds: int) -> None:
    """A client gets its own kind of token, or the one it asks for where it may; it is alive, and lives its own time."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            more = {} if asked is None else {"requested_token_type": asked}
            answer = await server.password("alice", "alice-pass", client, **more)
            assert (answer.json["access_token"].count("."), answer.json["expires_in"]) == (dots, seconds)
            assert (await server.introspect(answer.json["access_token"]))["active"] is True

    asyncio.run(story())


@pytest.mark.parametrize(
    ("client", "asked"),
    [("shop-app", A_JWT), ("both-app", "jwt"), ("both-app", "urn:ietf:params:oauth:token-type:saml2")],
)
def test_kind_refused(tmp_path: Path, client: str, asked: str) -> None:
    """A kind that the client may not have, or that is none, is invalid_request, and no password was looked at."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await server.password("alice", "alice-pass", client, requested_token_type=asked)
            assert (answer.status, answer.json["error"]) == (400, "invalid_request")
            assert server.hasher.verified == 0

    asyncio.run(story())


@pytest.mark.parametrize(
    ("client", "asked", "granted"),
    [
        ("narrow-app", None, "order:* product:read"),
        ("narrow-app", "order:read", "order:read"),
        ("narrow-app", "order:* product:read", "order:* product:read"),
        ("narrow-app", "order:read order:read", "order:read"),
        ("shop-app", "role:admin product:read", "product:read role:admin"),
    ],
)
def test_scope_granted(tmp_path: Path, client: str, asked: str | None, granted: str) -> None:
    """A client gets the scopes it asks for, or all that it may have; the answer always names them."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            more = {} if asked is None else {"scope": asked}
            answer = await server.password("alice", "alice-pass", client, **more)
            assert answer.json["scope"] == granted

    asyncio.run(story())


@pytest.mark.parametrize(
    "asked",
    ["product:*", "*:*", "product:create", "order:read product:create", "address", "order:read ", "a  b"],
)
def test_scope_refused(tmp_path: Path, asked: str) -> None:
    """More than the client may have, or no scope of ours: invalid_scope, and no password was looked at."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await server.password("alice", "alice-pass", "narrow-app", scope=asked)
            assert (answer.status, answer.json["error"]) == (400, "invalid_scope")
            assert server.hasher.verified == 0

    asyncio.run(story())


def test_one_answer_for_all_who_are_rejected(tmp_path: Path) -> None:
    """Unknown person, wrong password, disabled account with its right password: the same answer, the same work."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            seen = []
            for name, password in (
                ("nobody", "x"),
                ("alice", "wrong"),
                ("eve", "eve-pass"),
                ("영희", "x"),
                ("e@", "x"),
            ):
                before = server.hasher.verified
                answer = await server.password(name, password, source=f"192.0.2.{len(seen) + 10}")
                assert server.hasher.verified == before + 1, name
                seen.append((answer.status, answer.body, dict(answer.headers)))
            assert seen == [seen[0]] * 5
            assert (seen[0][0], answer.json["error"]) == (400, "invalid_grant")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 400, "unauthorized_client"),
        ({"grant_type": "password", "username": "alice"}, 400, "invalid_request"),
        ({"grant_type": "password", "username": "alice", "password": ""}, 400, "invalid_request"),
        ({"grant_type": "password", "client_id": "mute-app"}, 400, "unauthorized_client"),
        ({"grant_type": "password", "client_id": "someone-elses-app"}, 400, "unauthorized_client"),
        ({"grant_type": "client_credentials", "client_id": "careless-app"}, 400, "unauthorized_client"),
        ({"grant_type": "password", "client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "password", "client_id": ""}, 401, "invalid_client"),
        ({"grant_type": "password", "client_id": "shop-app", "client_secret": "x"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "batch"}, 401, "invalid_client"),
        (
            {"grant_type": "client_credentials", "client_id": "batch", "client_secret": "no"},
            401,
            "invalid_client",
        ),
    ],
)
def test_refusals(tmp_path: Path, form: dict[str, str], status: int, error: str) -> None:
    """Each mistake has the code of RFC 6749 5.2, a sentence in its alphabet, and the request id."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await server.post("/oauth/token", {"client_id": "shop-app", **form})
            assert (answer.status, answer.json["error"]) == (status, error)
            assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", answer.json["error_description"])
            assert answer.json["request_id"] == "r-1"
            assert answer.headers["cache-control"] == "no-store"
            assert ("www-authenticate" in answer.headers) == (status == 401)

    asyncio.run(story())


def test_basic_refused(tmp_path: Path) -> None:
    """A wrong secret in Basic, an unknown client, and a scheme that is not ours: 401 with a Basic challenge."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            form = {"grant_type": "client_credentials"}
            seen = [
                await server.post("/oauth/token", form, basic=("batch", "wrong")),
                await server.post("/oauth/token", form, basic=("nobody", "wrong"), source="192.0.2.2"),
            ]
            assert seen[0] == seen[1]
            seen.append(await server.post("/oauth/token", form, headers={"authorization": "Bearer x"}))
            seen.append(await server.post("/oauth/token", form, headers={"authorization": "Basic !!"}))
            for answer in seen:
                assert (answer.status, answer.json["error"]) == (401, "invalid_client")
                assert answer.headers["www-authenticate"] == 'Basic realm="sumun", charset="UTF-8"'

    asyncio.run(story())


def test_two_ways_to_authenticate(tmp_path: Path) -> None:
    """Basic together with client_secret, or with another client_id, is invalid_request; with its own id it is fine."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            form, basic = {"grant_type": "client_credentials"}, ("batch", SECRETS["batch"])
            both = await server.post("/oauth/token", {**form, "client_secret": SECRETS["batch"]}, basic=basic)
            other = await server.post("/oauth/token", {**form, "client_id": "shop-app"}, basic=basic)
            same = await server.post("/oauth/token", {**form, "client_id": "batch"}, basic=basic)
            assert [a.status for a in (both, other, same)] == [400, 400, 200]
            assert both.json["error"] == other.json["error"] == "invalid_request"

    asyncio.run(story())


def test_a_secret_in_the_url(tmp_path: Path) -> None:
    """Parameters in the URL are refused, however good they are."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            path = f"/oauth/token?client_id=batch&client_secret={SECRETS['batch']}"
            answer = await server.post(path, {"grant_type": "client_credentials"})
            assert (answer.status, answer.json["error"]) == (400, "invalid_request")

    asyncio.run(story())


def test_guessing_is_slowed_down(tmp_path: Path) -> None:
    """After a few wrong passwords 429 with Retry-After, for the right one too; another source is not concerned."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            for _ in range(3):
                assert (await server.password("alice", "guess")).status == 400
            verified = server.hasher.verified
            answer = await server.password("alice", "alice-pass")
            assert (answer.status, answer.json["error"]) == (429, "slow_down")
            assert 1 <= int(answer.headers["retry-after"]) <= 100
            assert server.hasher.verified == verified
            assert (await server.password("alice", "alice-pass", source="198.51.100.7")).status == 200
            assert (await server.password("bob", "bob-pass")).status == 200
            server.throttle_clock.seconds += int(answer.headers["retry-after"])
            assert (await server.password("alice", "alice-pass")).status == 200

    asyncio.run(story())


def test_guessing_a_client_secret_is_slowed_down(tmp_path: Path) -> None:
    """The secrets of clients are guarded the same way (RFC 6749 2.3.1)."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            form = {"grant_type": "client_credentials"}
            for _ in range(3):
                assert (await server.post("/oauth/token", form, basic=("batch", "guess"))).status == 401
            answer = await server.post("/oauth/token", form, basic=("batch", SECRETS["batch"]))
            assert (answer.status, answer.json["error"]) == (429, "slow_down")
            good = await server.post(
                "/oauth/token", form, basic=("batch", SECRETS["batch"]), source="198.51.100.7"
            )
            assert good.status == 200

    asyncio.run(story())


def test_password_changed_during_the_login(tmp_path: Path) -> None:
    """A password that is changed while it is being checked brings no token."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            new = server.hasher.hash("another-pass")

            def change() -> None:
                server.hasher.while_verifying = lambda: None
                server.directory.users.set_password("alice", new, server.occasion())

            server.hasher.while_verifying = change
            answer = await server.password("alice", "alice-pass")
            assert (answer.status, answer.json["error"]) == (400, "invalid_grant")
            assert (await server.password("alice", "another-pass")).status == 200

    asyncio.run(story())


def test_disabled_during_the_login(tmp_path: Path) -> None:
    """An account that is disabled while its password is being checked brings no token."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            server.hasher.while_verifying = lambda: (
                server.directory.users.disable("alice", server.occasion()) and None
            )
            answer = await server.password("alice", "alice-pass")
            assert (answer.status, answer.json["error"]) == (400, "invalid_grant")

    asyncio.run(story())


def test_disabled_after_an_outside_login(tmp_path: Path) -> None:
    """Who is disabled after an authentication server vouched, and before the token is made, gets none."""

    async def story() -> None:
        class Outside:
            name = "outside"

            async def prove(self, proof: PasswordProof) -> Identified:
                server.directory.users.disable("bob", server.occasion())
                return Identified("bob", self.name)

            async def close(self) -> None:
                pass

        async with oauth_server(tmp_path, authenticators={"password": Outside()}) as server:
            answer = await server.password("bob", "x")
            assert (answer.status, answer.json["error"]) == (400, "invalid_grant")

    asyncio.run(story())


def test_a_client_that_is_lowered(tmp_path: Path) -> None:
    """JWTs that people got through a client end when it is lowered; those that they get after it are good."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            app = registered(
                "late-app",
                None,
                kind=ClientKind.PUBLIC,
                grants=frozenset({"password"}),
                first_party=True,
                login=("password",),
                token_kind=TokenKind.JWT,
                token_lifetime_seconds=600,
            )
            await server.changes.register_client(app, actor="cli:root")
            before = (await server.password("alice", "alice-pass", "late-app")).json["access_token"]
            narrower = replace(app, scopes=frozenset({Permission("product", "*")}))
            await server.changes.change_client(narrower, actor="cli:root")
            after = (await server.password("alice", "alice-pass", "late-app")).json["access_token"]
            assert await server.introspect(before) == {"active": False}
            assert (await server.introspect(after))["scope"] == "product:*"

    asyncio.run(story())


def test_a_client_that_is_gone_after_it_authenticated(tmp_path: Path) -> None:
    """A client of JWTs is looked at again after its epoch was read: one that is gone by then is refused."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            looks = 0

            async def find(client_id: str) -> RegisteredClient | None:
                nonlocal looks
                looks += 1
                return await server.parts.find_client(client_id) if looks == 1 else None

            server.app = oauth_app(replace(server.parts, find_client=find))
            answer = await server.password("alice", "alice-pass", "jwt-app")
            assert (answer.status, answer.json["error"]) == (401, "invalid_client")

    asyncio.run(story())


def test_changes_reach_tokens(tmp_path: Path) -> None:
    """An opaque token follows its person: a role given or taken shows at once, a new password ends it."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            token = (await server.password("bob", "bob-pass")).json["access_token"]
            assert (await server.introspect(token))["roles"] == ["user"]
            await server.changes.grant("bob", Held(frozenset({"admin"})), actor="cli:root")
            assert (await server.introspect(token))["roles"] == ["admin", "user"]
            await server.changes.set_password("bob", server.hasher.hash("new"), actor="cli:root")
            assert await server.introspect(token) == {"active": False}

    asyncio.run(story())


def test_registered_clients(tmp_path: Path) -> None:
    """A client registered at run time works like one of the file, and no more once it is disabled."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            digest = hashlib.sha256(b"late-secret").digest()
            client = registered(
                "late",
                digest,
                kind=ClientKind.CONFIDENTIAL,
                scopes=frozenset({Permission("order", "*")}),
                permissions=frozenset({Permission("order", "read")}),
            )
            await server.changes.register_client(client, actor="cli:root")
            form, basic = {"grant_type": "client_credentials"}, ("late", "late-secret")
            answer = await server.post("/oauth/token", form, basic=basic)
            assert answer.json["scope"] == "order:*"
            assert (await server.introspect(answer.json["access_token"]))["permissions"] == ["order:read"]
            await server.changes.disable_client("late", actor="cli:root")
            again = await server.post("/oauth/token", form, basic=basic)
            assert (again.status, again.json["error"]) == (401, "invalid_client")
            assert await server.introspect(answer.json["access_token"]) == {"active": False}

    asyncio.run(story())


def test_a_weak_hash_is_renewed(tmp_path: Path) -> None:
    """A hash of an older profile is replaced at the next right login, and earlier tokens live on."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            first = (await server.password("alice", "alice-pass")).json["access_token"]
            old = server.directory.users.for_login("alice")
            assert old is not None
            server.hasher.profile = type(server.hasher.profile)(16, 1, 1)
            assert (await server.password("alice", "alice-pass")).status == 200
            new = server.directory.users.for_login("alice")
            assert new is not None
            assert new.password_hash is not None
            assert new.password_hash != old.password_hash
            assert "m=16," in new.password_hash
            assert (await server.introspect(first))["active"] is True
            assert (await server.password("alice", "alice-pass")).status == 200

    asyncio.run(story())
