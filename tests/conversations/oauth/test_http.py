"""What the application does with HTTP: paths, methods, bodies, outages and our own mistakes."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sumun.errors import OutageError
from sumun.login.errors import LoginBusyError
from sumun.login.pipeline import Logins
from sumun.oauth.app import Mounted, OAuthApp
from sumun.oauth.messages import MAX_BODY_BYTES
from sumun.oauth.server import oauth_app
from sumun.tokens.signing_keys import NO_KEYS
from tests.conversations.oauth.oauth_server import ISSUER, SECRETS, Down, asgi_call, oauth_server

FORM = {"content-type": "application/x-www-form-urlencoded"}
POSTS = ("/oauth/token", "/oauth/revoke", "/oauth/introspect")
GETS = ("/.well-known/jwks.json", "/.well-known/oauth-authorization-server")


def test_methods(tmp_path: Path) -> None:
    """Another method is 405 with Allow, OPTIONS says what is allowed, and nothing is done for either."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            for paths, allow in ((POSTS, "POST, OPTIONS"), (GETS, "GET, HEAD, OPTIONS")):
                for path in paths:
                    for method in {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE", "QUERY"} - set(
                        allow.split(", ")
                    ):
                        answer = await server.call(method, path)
                        assert (answer.status, answer.headers["allow"]) == (405, allow), (method, path)
                        assert answer.headers["content-type"] == "application/problem+json"
                        assert answer.json["code"] == "method_not_allowed"
                    options = await server.call("OPTIONS", path)
                    assert (options.status, options.headers["allow"], options.body) == (204, allow, b"")
                    assert "content-length" not in options.headers

    asyncio.run(story())


@pytest.mark.parametrize(
    "path", ["/", "/oauth", "/oauth/", "/oauth/token/", "/OAUTH/TOKEN", "/oauth/authorise", ""]
)
def test_unknown_paths(tmp_path: Path, path: str) -> None:
    """A path that is not exactly one of ours is 404 as problem+json."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await server.call("GET", path)
            assert answer.status == 404
            assert answer.json == {
                "type": "about:blank",
                "title": "There is nothing at this path",
                "status": 404,
                "code": "not_found",
                "request_id": "r-1",
            }

    asyncio.run(story())


@pytest.mark.parametrize("pieces", [1, 7, 64])
def test_bodies_in_pieces(tmp_path: Path, pieces: int) -> None:
    """A body is one body, however many pieces it comes in."""
    body = f"grant_type=client_credentials&client_id=batch&client_secret={SECRETS['batch']}".encode()
    size = -(-len(body) // pieces)

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            parts = [body[start : start + size] for start in range(0, len(body), size)]
            assert (await server.call("POST", "/oauth/token", FORM, *parts)).status == 200

    asyncio.run(story())


def test_bodies_that_are_too_large(tmp_path: Path) -> None:
    """A body above the limit is 413 and the connection ends, whether its size was announced or not."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            full = b"x" * MAX_BODY_BYTES
            announced = await server.call("POST", "/oauth/token", {**FORM, "content-length": "65537"})
            absurd = await server.call("POST", "/oauth/token", {**FORM, "content-length": "9" * 5000})
            unannounced = await server.call("POST", "/oauth/token", FORM, full, b"y")
            for answer in (announced, absurd, unannounced):
                assert (answer.status, answer.json["error"]) == (413, "invalid_request")
                assert answer.headers["connection"] == "close"
            assert (await server.call("POST", "/oauth/token", FORM, full)).status == 401

    asyncio.run(story())


def test_bodies_without_end(tmp_path: Path) -> None:
    """Of a body without end no more is taken than the limit."""
    taken = 0

    async def more() -> Any:
        nonlocal taken
        taken += 1
        return {
            "type": "http.request",
            "body": b"x" * 1024 if taken < 1000 else b"",
            "more_body": taken < 1000,
        }

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            call = asgi_call(server.app, "POST", "/oauth/token", "", list(FORM.items()), (b"a",), after=more)
            assert (await call).status == 413
            assert taken == MAX_BODY_BYTES // 1024

    asyncio.run(story())


def test_slow_bodies(tmp_path: Path) -> None:
    """A body that does not end in time is 408, though something of it comes now and then."""

    async def drip() -> Any:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            app = OAuthApp(server.app._table, body_deadline_seconds=0.1)
            began = time.monotonic()
            answer = await asgi_call(app, "POST", "/oauth/token", "", list(FORM.items()), (b"a",), after=drip)
            assert time.monotonic() - began < 2
            assert (answer.status, answer.json["error"]) == (408, "invalid_request")
            assert answer.headers["connection"] == "close"

    asyncio.run(story())


def test_callers_who_leave(tmp_path: Path) -> None:
    """Who goes away in the middle of the body is answered nothing, and nothing happens."""

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await asgi_call(
                server.app, "POST", "/oauth/token", "", list(FORM.items()), (b"grant_type=pass",), after=gone
            )
            assert answer.status == 0

    asyncio.run(story())


@pytest.mark.parametrize(
    "content_type", [None, "", "application/json", "multipart/form-data; boundary=x", "text/plain"]
)
def test_other_media_types(tmp_path: Path, content_type: str | None) -> None:
    """Only form-urlencoded is read; anything else is 415, still in OAuth's words."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            headers = {} if content_type is None else {"content-type": content_type}
            for path in POSTS:
                answer = await server.call("POST", path, headers, b'{"grant_type":"password"}')
                assert (answer.status, answer.json["error"]) == (415, "invalid_request")

    asyncio.run(story())


def test_two_headers_of_one_name(tmp_path: Path) -> None:
    """Two Authorization or two Content-Type headers are refused: two readers could choose differently."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            body = b"grant_type=client_credentials"
            good = [*FORM.items(), ("authorization", "Basic YmF0Y2g6YmF0Y2gtc2VjcmV0")]
            answers = [
                await asgi_call(server.app, "POST", "/oauth/token", "", headers, (body,))
                for headers in (good, [*good, good[1]], [*good, good[0]])
            ]
            assert [answer.status for answer in answers] == [200, 400, 415]

    asyncio.run(story())


PERSON = {"grant_type": "password", "username": "alice", "password": "alice-pass", "client_id": "shop-app"}
PROGRAM = {"grant_type": "client_credentials", "client_id": "batch", "client_secret": SECRETS["batch"]}
PROGRAM_JWT = {
    "grant_type": "client_credentials",
    "client_id": "reports",
    "client_secret": SECRETS["reports"],
}


@pytest.mark.parametrize(
    ("part", "statuses"),
    [
        ("store", [503, 503, 200]),  # a JWT needs no store
        ("standing", [503, 200, 200]),  # programs are remembered
        ("remembered", [200, 503, 503]),
        ("find_client", [503, 503, 503]),
        ("client_throttle", [503, 503, 503]),
    ],
)
def test_outages(tmp_path: Path, part: str, statuses: list[int]) -> None:
    """Whatever part is down: who needs it is told 503 and Retry-After, never 400 or 401, and who does not is served."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            down: Any = Down() if part in ("store", "client_throttle") else Down().anything
            server.app = oauth_app(replace(server.parts, **{part: down}))
            for form, status in zip((PERSON, PROGRAM, PROGRAM_JWT), statuses, strict=True):
                answer = await server.post("/oauth/token", form)
                assert answer.status == status, form
                if status == 503:
                    assert answer.headers["retry-after"] == "1"
                    assert answer.json == {
                        "error": "temporarily_unavailable",
                        "error_description": "This could not be decided now; try again",
                        "request_id": "r-1",
                    }

    asyncio.run(story())


def test_login_throttle_down(tmp_path: Path) -> None:
    """When the store of the login throttle is down, nobody logs in unthrottled: 503, and no password is looked at."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            logins = Logins(server.authenticators, Down(), Down().anything)  # type: ignore[arg-type]
            server.app = oauth_app(replace(server.parts, login_for=logins.login_for))
            answer = await server.password("alice", "alice-pass")
            assert (answer.status, server.hasher.verified) == (503, 0)

    asyncio.run(story())


def test_retry_after_of_a_busy_login(tmp_path: Path) -> None:
    """A full waiting room is 503 with its own hint of when to come back."""

    class Busy:
        async def prove(self, proof: object) -> Any:
            raise LoginBusyError("full", 7)

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            server.app = oauth_app(replace(server.parts, login_for=lambda _: Busy()))
            answer = await server.password("alice", "alice-pass")
            assert (answer.status, answer.headers["retry-after"]) == (503, "7")

    asyncio.run(story())


def test_no_signing_key(tmp_path: Path) -> None:
    """Without a key to sign with a JWT client is told 503: it is not the client's fault."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            server.app = oauth_app(replace(server.parts, keys=lambda: NO_KEYS))
            answer = await server.password("alice", "alice-pass", "jwt-app")
            assert (answer.status, answer.json["error"]) == (503, "temporarily_unavailable")

    asyncio.run(story())


def test_our_own_mistakes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A bug is 500 `server_error` with the request id and nothing else of it; the log has the rest."""

    class Broken:
        async def answer(self, request: object) -> Any:
            raise RuntimeError("a secret of ours")

    app = OAuthApp({"/x": Mounted(Broken(), ("POST",))})
    with caplog.at_level(logging.ERROR):
        answer = asyncio.run(asgi_call(app, "POST", "/x", "", [("x-request-id", "r-9")], (b"",)))
    assert (answer.status, answer.json["error"], answer.json["request_id"]) == (500, "server_error", "r-9")
    assert b"secret" not in answer.body
    assert "r-9" in caplog.text
    assert "RuntimeError" in caplog.text


@pytest.mark.parametrize(("headers", "said"), [([("x-request-id", "r-9")], ["WARNING"]), ([], [])])
def test_an_outage_is_said_once_for_each_request(
    headers: list[tuple[str, str]], said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """With its id. HAProxy's looks, which have none, would fill the log twice a second with what others say already."""

    class Away:
        async def answer(self, request: object) -> Any:
            raise OutageError("the store is away")

    app = OAuthApp({"/x": Mounted(Away(), ("GET",))})
    with caplog.at_level(logging.INFO):
        answer = asyncio.run(asgi_call(app, "GET", "/x", "", headers, (b"",)))
    assert answer.status == 503
    assert [one.levelname for one in caplog.records if "not answered" in one.getMessage()] == said


def test_nothing_secret_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither passwords, nor secrets, nor tokens, nor what was typed as an unknown account reach the log."""

    async def story() -> list[str]:
        async with oauth_server(tmp_path) as server:
            form = {"grant_type": "client_credentials"}
            token = (await server.password("alice", "alice-pass")).json["access_token"]
            await server.password("alice", "my-real-passphrase")
            await server.password("my-passphrase-typed-as-name", "x")
            await server.post("/oauth/token", form, basic=("batch", "a-wrong-secret"))
            await server.post("/oauth/token", form, basic=("typed-as-id", "a-wrong-secret"))
            await server.post("/oauth/revoke", {"client_id": "shop-app", "token": token})
            server.app = oauth_app(replace(server.parts, store=Down()))
            await server.password("alice", "alice-pass")
            return [
                token,
                "alice-pass",
                "my-real-passphrase",
                "my-passphrase",
                "a-wrong-secret",
                "typed-as-id",
            ]

    with caplog.at_level(logging.DEBUG):
        secrets = asyncio.run(story())
    assert "login rejected: user=alice because=bad_credentials client=shop-app" in caplog.text
    assert [secret for secret in secrets if secret in caplog.text] == []


def test_metadata(tmp_path: Path) -> None:
    """The metadata tells where everything is and what works, and not a word more."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await server.call("GET", "/.well-known/oauth-authorization-server")
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["cache-control"] == "public, max-age=300"
            told = answer.json
            assert told["issuer"] == ISSUER
            methods = set(told["token_endpoint_auth_methods_supported"])
            assert {"client_secret_basic", "client_secret_post", "none"} <= methods
            # RFC 7662 2.1: nobody asks without a proof.
            assert set(told["introspection_endpoint_auth_methods_supported"]) == methods - {"none"}
            assert {"client_credentials", "password"} <= set(told["grant_types_supported"])
            endpoints = [url.removeprefix(ISSUER) for name, url in told.items() if name.endswith("_endpoint")]
            assert len(endpoints) >= 5
            for path in endpoints:
                assert (await server.call("POST", path, FORM, b"")).status not in (404, 500), path
            assert (await server.call("GET", answer.json["jwks_uri"].removeprefix(ISSUER))).status == 200

    asyncio.run(story())


def test_keys(tmp_path: Path) -> None:
    """The published keys are public members only, and a process that does not know them says 503, not "none"."""

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            answer = await server.call("GET", "/.well-known/jwks.json")
            (key,) = answer.json["keys"]
            assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
            assert (key["alg"], key["use"], key["kid"]) == (
                "ES256",
                "sig",
                server.memory.keys.active("ES256").kid,
            )
            head = await server.call("HEAD", "/.well-known/jwks.json")
            assert (head.status, head.headers) == (200, answer.headers)
            server.memory.forget()
            assert (await server.call("GET", "/.well-known/jwks.json")).status == 503

    asyncio.run(story())


def test_only_http(tmp_path: Path) -> None:
    """A WebSocket that reaches the application is an error of the server that mounts it."""
    with pytest.raises(ValueError, match="HTTP only"):
        asyncio.run(OAuthApp({})({"type": "websocket"}, Down().anything, Down().anything))


def test_pages_of_other_origins(tmp_path: Path) -> None:
    """A page of a public client's origin may read what the token endpoint says, errors too; any other page may not."""
    page = {"origin": "https://spa.example"}
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,dpop"}

    async def story() -> None:
        async with oauth_server(tmp_path) as server:
            server.app = oauth_app(server.configured(origins=frozenset({"https://spa.example"})))
            for path in ("/oauth/token", "/oauth/revoke", "/oauth/userinfo", "/oauth/ws-ticket"):
                before = await server.call("OPTIONS", path, page | asks)
                assert before.status == 204
                assert before.headers["access-control-allow-origin"] == "https://spa.example", path
                assert "dpop" in before.headers["access-control-allow-headers"]
                assert "POST" in before.headers["access-control-allow-methods"]
                refused = await server.post(path, {"a": "b"}, headers=page)
                assert refused.status >= 400
                assert refused.headers["access-control-allow-origin"] == "https://spa.example", path
                other = await server.post(path, {"a": "b"}, headers={"origin": "https://evil.example"})
                assert "access-control-allow-origin" not in other.headers, path
                assert other.headers["vary"] == "origin"
            for path in GETS:
                assert (await server.call("GET", path, page)).headers["access-control-allow-origin"] == "*"
            introspection = await server.call("OPTIONS", "/oauth/introspect", page | asks)
            assert "access-control-allow-origin" not in introspection.headers

    asyncio.run(story())
