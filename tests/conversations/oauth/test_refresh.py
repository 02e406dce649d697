"""Refresh tokens, from request to answer."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from pathlib import Path

import pytest

from sumun.config.plan import RefreshSettings
from sumun.directory import DirectoryThreads
from sumun.identity import Subject
from sumun.oauth.grants.refreshing import RefreshTokens
from tests.contracts.occasions import held
from tests.conversations.oauth.oauth_server import Answer, OAuthServer
from tests.conversations.oauth.stories import Tell

REFRESH = re.compile(r"smn_rt_[0-9A-Za-z]{49}")
WITHIN, AFTER = 9, 11  # seconds after the first use; a token may come again for ten
SETTINGS = RefreshSettings()


async def login(server: OAuthServer, client: str = "lasting-app", **more: str) -> Answer:
    """Bob logs in."""
    answer = await server.password("bob", "bob-pass", client, **more)
    assert answer.status == 200, answer
    return answer


async def refresh(server: OAuthServer, token: str, client: str = "lasting-app", **more: str) -> Answer:
    """The refresh token grant."""
    form = {"grant_type": "refresh_token", "client_id": client, "refresh_token": token, **more}
    return await server.post("/oauth/token", form)


async def is_active(server: OAuthServer, token: str) -> bool:
    """Whether a resource server is told that the access token is good."""
    return bool((await server.introspect(token))["active"])


def refused(answer: Answer) -> bool:
    """True for the one sentence of a refresh token that is not good."""
    told = (answer.status, answer.json["error"], answer.json["error_description"])
    return told == (400, "invalid_grant", "the refresh token is not good")


@pytest.mark.parametrize("client", ["lasting-app", "lasting-jwt-app"])
def test_a_login_is_gone_on_with(tell: Tell, client: str) -> None:
    """Each refresh gives another access token that works, and another refresh token, which is good in its turn."""

    async def story(server: OAuthServer) -> None:
        told = (await login(server, client, scope="product:read")).json
        seen = set()
        for _ in range(3):
            assert REFRESH.fullmatch(told["refresh_token"])
            seen |= {told["refresh_token"], told["access_token"]}
            answer = await refresh(server, told["refresh_token"], client)
            assert answer.status == 200, answer
            told = answer.json
            assert (told["token_type"], told["scope"]) == ("Bearer", "product:read")
            known = await server.introspect(told["access_token"])
            assert (known["sub"], known["client_id"], known["permissions"]) == (
                "bob",
                client,
                ["product:read"],
            )
            server.clock.seconds += 60
        assert len(seen) == 6

    tell(story)


def test_only_clients_that_list_the_grant(tell: Tell) -> None:
    """A client without it is given no refresh token, and may not use another's."""

    async def story(server: OAuthServer) -> None:
        assert "refresh_token" not in (await server.password("bob", "bob-pass", "shop-app")).json
        token = (await login(server)).json["refresh_token"]
        assert (await refresh(server, token, "shop-app")).json["error"] == "unauthorized_client"
        assert refused(await refresh(server, token, "lasting-jwt-app"))
        assert (await refresh(server, token)).status == 200

    tell(story)


def test_nothing_is_kept_in_clear(tell: Tell, tmp_path: Path) -> None:
    """Neither a refresh token nor its successor stands anywhere in the directory's file."""

    async def story(server: OAuthServer) -> None:
        first = (await login(server)).json["refresh_token"]
        second = (await refresh(server, first)).json["refresh_token"]
        with sqlite3.connect(tmp_path / "sumun.db") as database:
            kept = "\n".join(database.iterdump())
        assert "fam_" in kept
        for token in (first, second):
            assert token not in kept
            assert token.encode().hex() not in kept.lower()

    tell(story)


def test_at_the_same_time(tell: Tell) -> None:
    """Eight requests with one token get one successor and eight access tokens that work, also a moment later."""

    async def story(server: OAuthServer) -> None:
        token = (await login(server)).json["refresh_token"]
        answers = await asyncio.gather(*(refresh(server, token) for _ in range(8)))
        server.clock.seconds += WITHIN
        answers.append(await refresh(server, token))
        assert [answer.status for answer in answers] == [200] * 9
        assert len({answer.json["refresh_token"] for answer in answers}) == 1
        access = {answer.json["access_token"] for answer in answers}
        assert len(access) == 9
        assert all([await is_active(server, one) for one in access])
        assert (await refresh(server, answers[0].json["refresh_token"])).status == 200

    tell(story)


def test_two_nodes(tell: Tell) -> None:
    """Two processes on one directory that are shown a token at the same time give the same successor."""

    async def story(server: OAuthServer) -> None:
        threads = DirectoryThreads()
        try:
            other = RefreshTokens(
                server.directory.refresh_tokens, threads, server.changes, server.clock, SETTINGS
            )
            token = (await login(server)).json["refresh_token"]
            for _ in range(5):
                mine, others = await server.parts.refresh.look(token), await other.look(token)
                assert mine is not None
                assert others is not None
                turns = (server.parts.refresh.rotate(mine), other.rotate(others))
                token, theirs = await asyncio.gather(*turns)
                assert token == theirs
            assert (await refresh(server, token)).status == 200
        finally:
            await threads.close()

    tell(story)


@pytest.mark.parametrize("client", ["lasting-app", "lasting-jwt-app"])
def test_a_replay_ends_the_login(tell: Tell, client: str) -> None:
    """A token that comes again later was stolen: the family ends, every access token of it is refused at once."""

    async def story(server: OAuthServer) -> None:
        first = (await login(server, client)).json
        bystander = (await login(server, client)).json
        second = (await refresh(server, first["refresh_token"], client)).json
        third = (await refresh(server, second["refresh_token"], client)).json
        server.clock.seconds += AFTER
        assert refused(await refresh(server, first["refresh_token"], client))
        for told in (first, second, third):
            assert not await is_active(server, told["access_token"])
            assert refused(await refresh(server, told["refresh_token"], client))
        assert await is_active(server, bystander["access_token"])
        assert (await refresh(server, bystander["refresh_token"], client)).status == 200
        [event] = [one for one in server.directory.audit.newest() if one.event == "refresh_ended"]
        assert (event.about, event.detail["reason"]) == ("user:bob", "replayed")

    tell(story)


def test_it_ends_when_nobody_uses_it_and_in_any_case(tell: Tell) -> None:
    """The idle limit counts from the last refresh, the absolute one from the login; expiry is no replay."""

    async def story(server: OAuthServer) -> None:
        idle = (await login(server)).json["refresh_token"]
        server.clock.seconds += SETTINGS.idle_seconds
        assert refused(await refresh(server, idle))
        token = (await login(server)).json["refresh_token"]
        turns = SETTINGS.lifetime_seconds // (SETTINGS.idle_seconds - 1)
        for _ in range(turns):
            server.clock.seconds += SETTINGS.idle_seconds - 1
            token = (await refresh(server, token)).json["refresh_token"]
        server.clock.seconds += SETTINGS.lifetime_seconds - turns * (SETTINGS.idle_seconds - 1)
        assert refused(await refresh(server, token))
        assert not [one for one in server.directory.audit.newest() if one.event == "refresh_ended"]

    tell(story)


def test_scope(tell: Tell) -> None:
    """Fewer scopes may be asked for, for this access token only (RFC 6749 6); more may not, and nothing is used up."""

    async def story(server: OAuthServer) -> None:
        token = (await login(server, scope="product:* openid profile")).json["refresh_token"]
        for more in ("order:read", "*:*", "product:read email", "nonsense"):
            assert (await refresh(server, token, scope=more)).json["error"] == "invalid_scope"
        server.clock.seconds += AFTER
        narrow = (await refresh(server, token, scope="product:read")).json
        assert narrow["scope"] == "product:read"
        assert "id_token" not in narrow
        again = (await refresh(server, narrow["refresh_token"])).json
        assert again["scope"] == "openid product:* profile"
        assert again["id_token"]

    tell(story)


def test_rights_are_read_anew(tell: Tell) -> None:
    """A JWT that is refreshed has the roles of now, whatever the one before had."""

    async def story(server: OAuthServer) -> None:
        told = (await login(server, "lasting-jwt-app")).json
        await server.changes.withdraw("bob", held("user"), actor="cli:root")
        assert not await is_active(server, told["access_token"])
        told = (await refresh(server, told["refresh_token"], "lasting-jwt-app")).json
        assert (await server.introspect(told["access_token"]))["roles"] == []
        await server.changes.grant("bob", held("admin"), actor="cli:root")
        told = (await refresh(server, told["refresh_token"], "lasting-jwt-app")).json
        assert (await server.introspect(told["access_token"]))["roles"] == ["admin"]

    tell(story)


def test_what_ends_a_login_ends_its_refresh_tokens(tell: Tell) -> None:
    """Disabled, another password, logged out everywhere: no refresh token of before is good, nor after enabling."""

    async def story(server: OAuthServer) -> None:
        changes = server.changes
        token = (await login(server)).json["refresh_token"]
        await changes.disable_user("bob", actor="cli:root")
        assert refused(await refresh(server, token))
        await changes.enable_user("bob", actor="cli:root")
        assert refused(await refresh(server, token))
        token = (await login(server)).json["refresh_token"]
        await changes.set_password("bob", server.hasher.hash("bob-pass"), actor="user:bob")
        assert refused(await refresh(server, token))
        token = (await login(server)).json["refresh_token"]
        await changes.end_logins(Subject.user("bob"), actor="user:bob")
        assert refused(await refresh(server, token))

    tell(story)


def test_it_is_given_back(tell: Tell) -> None:
    """Revoking a refresh token (RFC 7009 2.1), also one that was used, ends the family and its access tokens."""

    async def story(server: OAuthServer) -> None:
        first = (await login(server)).json
        second = (await refresh(server, first["refresh_token"])).json
        form = {"client_id": "lasting-jwt-app", "token": second["refresh_token"]}
        assert (await server.post("/oauth/revoke", form)).json["error"] == "invalid_grant"
        form["client_id"] = "lasting-app"
        for token in (first["refresh_token"], second["refresh_token"], second["refresh_token"]):
            assert (await server.post("/oauth/revoke", form | {"token": token})).status == 200
            assert refused(await refresh(server, second["refresh_token"]))
            assert not await is_active(server, first["access_token"])
            assert not await is_active(server, second["access_token"])

    tell(story)


def test_it_is_no_access_token(tell: Tell) -> None:
    """A refresh token is nobody's proof: resource servers are told that it is not active."""

    async def story(server: OAuthServer) -> None:
        told = (await login(server)).json
        assert await server.introspect(told["refresh_token"]) == {"active": False}
        assert (await refresh(server, told["access_token"])).json["error"] == "invalid_grant"
        assert (await refresh(server, "smn_rt_" + "x" * 49)).json["error"] == "invalid_grant"
        form = {"grant_type": "refresh_token", "client_id": "lasting-app"}
        assert (await server.post("/oauth/token", form)).json["error"] == "invalid_request"

    tell(story)


def test_an_outage_uses_nothing_up(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the token store is away, however long, a refresh is 503, and the same token is good after it."""

    async def story(server: OAuthServer) -> None:
        token = (await login(server)).json["refresh_token"]
        with monkeypatch.context() as away:
            away.setattr(server.store, "_closed", True)
            assert (await refresh(server, token)).status == 503
        server.clock.seconds += AFTER
        assert (await refresh(server, token)).status == 200

    tell(story)
