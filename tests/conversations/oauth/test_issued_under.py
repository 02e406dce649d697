"""Tokens that were issued in a session and for a grant, and what becomes of them when those end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sumun.access import TokenKind
from sumun.directory import StoredGrant
from sumun.identity import Permission, Subject
from sumun.oauth.errors import InvalidGrantError
from sumun.oauth.grants.grant import Granted
from sumun.oauth.issue import Issued, Issuer
from tests.contracts.occasions import held
from tests.conversations.oauth import stories
from tests.conversations.oauth.oauth_server import AUDIENCE, ISSUER, OAuthServer
from tests.conversations.oauth.test_refresh import is_active, refresh, refused

SID = "sid_" + "1" * 22
CLIENTS = {TokenKind.OPAQUE: "lasting-app", TokenKind.JWT: "lasting-jwt-app"}
Story = Callable[[OAuthServer, TokenKind], Awaitable[None]]


@pytest.fixture(params=[TokenKind.OPAQUE, TokenKind.JWT], ids=str)
def tell(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Story], None]:
    """Runs a story with a server, for each kind of token."""

    def run(story: Story) -> None:
        stories.tell(tmp_path, lambda server: story(server, request.param))

    return run


def scopes(*texts: str) -> frozenset[Permission]:
    """Permissions by their texts."""
    return held(*texts).permissions


async def allowed(server: OAuthServer, *texts: str) -> StoredGrant:
    """Alice lets the client do this."""
    return await server.changes.allow_grant(
        "alice", "lasting-app", scopes(*texts), frozenset({"openid"}), actor="user:alice"
    )


async def issue(server: OAuthServer, kind: TokenKind, **fields: object) -> Issued:
    """A token for alice, as a code that was given in a session would get."""
    client = await server.parts.find_client(CLIENTS[kind])
    standing = await server.parts.standing(Subject.user("alice"))
    assert client is not None
    assert standing is not None
    issuer = Issuer(
        server.store,
        server.parts.keys,
        server.clock,
        server.parts.refresh,
        server.parts.grant_of,
        issuer=ISSUER,
        audience=AUDIENCE,
        algorithm="ES256",
    )
    granted = Granted(standing, scopes("product:*", "order:read"), refreshable=True)
    return await issuer.issue(replace(granted, **fields), client, 0, frozenset())  # type: ignore[arg-type]


def test_a_session_ends(tell: Callable[[Story], None]) -> None:
    """Its access tokens and its refresh token are refused when the call returns; another session's are not."""

    async def story(server: OAuthServer, kind: TokenKind) -> None:
        mine = await issue(server, kind, session_id=SID)
        other = await issue(server, kind, session_id="sid_" + "2" * 22)
        again = (await refresh(server, mine.refresh_token, CLIENTS[kind])).json
        await server.changes.end_session(SID, actor="user:alice")
        assert not await is_active(server, mine.access_token)
        assert not await is_active(server, again["access_token"])
        assert refused(await refresh(server, again["refresh_token"], CLIENTS[kind]))
        assert await is_active(server, other.access_token)
        assert (await refresh(server, other.refresh_token, CLIENTS[kind])).status == 200
        with pytest.raises(InvalidGrantError):
            await issue(server, kind, session_id=SID)

    tell(story)


def test_offline_access_outlives_the_session(tell: Callable[[Story], None]) -> None:
    """What was granted for offline access is gone on with after a logout; the session's access token is not."""

    async def story(server: OAuthServer, kind: TokenKind) -> None:
        mine = await issue(server, kind, session_id=SID, openid=frozenset({"openid", "offline_access"}))
        await server.changes.end_session(SID, actor="user:alice")
        assert not await is_active(server, mine.access_token)
        again = await refresh(server, mine.refresh_token, CLIENTS[kind])
        assert again.status == 200
        assert await is_active(server, again.json["access_token"])

    tell(story)


def test_a_grant_is_narrowed(tell: Callable[[Story], None]) -> None:
    """The opaque token has what is left in place, the JWT ends; what is refreshed has no more than what is left."""

    async def story(server: OAuthServer, kind: TokenKind) -> None:
        grant = await allowed(server, "product:*", "order:read")
        mine = await issue(server, kind, grant_id=grant.id)
        left = scopes("product:read")
        await server.changes.narrow_grant(grant.id, left, frozenset(), actor="user:alice")
        told = await server.introspect(mine.access_token)
        if kind is TokenKind.OPAQUE:
            assert (told["scope"], told["permissions"]) == ("product:read", ["product:read"])
        else:
            assert told == {"active": False}
        again = (await refresh(server, mine.refresh_token, CLIENTS[kind])).json
        assert again["scope"] == "product:read"
        more = await refresh(server, again["refresh_token"], CLIENTS[kind], scope="order:read")
        assert more.json["error"] == "invalid_scope"

    tell(story)


def test_a_grant_is_withdrawn(tell: Callable[[Story], None]) -> None:
    """Everything that it stood behind is refused, and nothing is issued for it any more."""

    async def story(server: OAuthServer, kind: TokenKind) -> None:
        grant = await allowed(server, "product:*", "order:read")
        mine = await issue(server, kind, grant_id=grant.id)
        await server.changes.withdraw_grant(grant.id, actor="user:alice")
        assert not await is_active(server, mine.access_token)
        assert refused(await refresh(server, mine.refresh_token, CLIENTS[kind]))
        for refreshable in (True, False):
            with pytest.raises(InvalidGrantError):
                await issue(server, kind, grant_id=grant.id, refreshable=refreshable)

    tell(story)


def test_a_grant_is_narrowed_while_a_token_is_issued(tell: Callable[[Story], None]) -> None:
    """Who read of the grant before, and puts the token after, is not given it: the issuer looks once more."""

    async def story(server: OAuthServer, kind: TokenKind) -> None:
        grant = await allowed(server, "product:*", "order:read")
        await server.changes.narrow_grant(grant.id, scopes("product:read"), frozenset(), actor="user:alice")
        with pytest.raises(InvalidGrantError):
            await issue(server, kind, grant_id=grant.id, refreshable=False)

    tell(story)


def test_a_code_that_comes_twice(tell: Callable[[Story], None]) -> None:
    """Ending the family that a code was given ends what the first use got, and refuses what a later one would."""

    async def story(server: OAuthServer, kind: TokenKind) -> None:
        mine = await issue(server, kind, family_id="fam_of_a_code")
        await server.changes.end_family("fam_of_a_code", "replayed", actor="client:lasting-app")
        assert not await is_active(server, mine.access_token)
        assert refused(await refresh(server, mine.refresh_token, CLIENTS[kind]))
        with pytest.raises(InvalidGrantError):
            await issue(server, kind, family_id="fam_of_a_code", refreshable=False)

    tell(story)
