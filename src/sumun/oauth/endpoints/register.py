"""Dynamic client registration (RFC 7591) and its management (RFC 7592). There only when the configuration has it.

    POST   /oauth/register        register; an initial access token, unless registration is open
    GET    /oauth/register/ID     what is registered
    PUT    /oauth/register/ID     other metadata in its place; the way to authenticate stays
    DELETE /oauth/register/ID     the client is disabled, for ids are never given twice, and its tokens end

The last three need the client's registration access token. We keep the SHA-256 of it, of the secret, and of the initial
access token; whoever registers is told the first two once.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from sumun.changes import Applied
from sumun.directory.client import RegisteredClient
from sumun.login.throttle import Attempt, LoginThrottle, RateLimited
from sumun.oauth.account.settled import demand_refused_here
from sumun.oauth.clients import FindClient
from sumun.oauth.errors import (
    InvalidClientMetadataError,
    InvalidRequestError,
    InvalidTokenError,
    NoTokenError,
    OAuthError,
    SlowDownError,
)
from sumun.oauth.exchange import NO_STORE, Answer, Request, json_answer, problem_answer
from sumun.oauth.paths import REGISTER_PATH
from sumun.oauth.registration import Allowed, client_of, metadata_of, method_of, read_metadata
from sumun.tokens import format as token_format

log = logging.getLogger(__name__)

_BEARER: Final = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
_SECRET_BYTES: Final = 32
_ID_BYTES: Final = 12
_NOBODYS: Final = bytes(32)
# RFC 7592 2.2: "MUST NOT include".
_OURS: Final = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


class ChangesClients(Protocol):
    """What this needs of `changes.Changes`."""

    async def register_client(self, client: RegisteredClient, *, actor: str) -> Applied:
        """Make it. Raises OutageError."""
        ...

    async def change_client(self, client: RegisteredClient, *, actor: str) -> Applied:
        """Make it like this. Raises OutageError."""
        ...

    async def disable_client(self, client_id: str, *, actor: str) -> Applied:
        """Nothing is issued through it any more, and what was is refused. Raises OutageError."""
        ...


@dataclass(frozen=True, slots=True)
class RegistrationParts:
    """What registration is made of. `token_sha256` is of the initial access token; None: anybody may.

    `throttle` counts registrations and their changes, and guesses of the token.
    """

    allowed: Allowed
    token_sha256: bytes | None
    throttle: LoginThrottle


class RegisterEndpoint:
    """Registers clients, and lets each manage its own registration."""

    def __init__(
        self,
        parts: RegistrationParts,
        find: FindClient,
        changes: ChangesClients,
        clock: Callable[[], float],
        origin: str,
    ) -> None:
        """`clock` gives unix seconds; `origin` is ours."""
        self._parts = parts
        self._find = find
        self._changes = changes
        self._clock = clock
        self._place = f"{origin}{REGISTER_PATH}"

    async def answer(self, request: Request) -> Answer:
        """Both RFCs."""
        if request.query:
            raise InvalidRequestError("nothing is read from the URL")
        client_id = request.path.removeprefix(REGISTER_PATH).removeprefix("/")
        if not client_id:
            return (
                await self._register(request) if request.method == "POST" else _other_method(request, "POST")
            )
        if request.method == "POST":
            return _other_method(request, "GET, HEAD, PUT, DELETE")
        token = _token(request)
        client = await self._its_own(client_id, token)
        if request.method == "PUT":
            client = await self._change(request, client)
        if request.method == "DELETE":
            demand_refused_here(await self._changes.disable_client(client.id, actor=f"client:{client.id}"))
            return Answer(204, NO_STORE)
        return json_answer(200, self._told(client, token))

    async def _register(self, request: Request) -> Answer:
        shown = "" if self._parts.token_sha256 is None else _token(request)
        attempt = await self._count("registration", request)
        if self._parts.token_sha256 is not None and not _is(shown, self._parts.token_sha256):
            raise InvalidTokenError("the initial access token is not right")
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        token = token_format.new(token_format.REGISTRATION_PREFIX)
        client_id, secret_sha256 = (
            f"dyn-{secrets.token_hex(_ID_BYTES)}",
            hashlib.sha256(secret.encode()).digest(),
        )
        try:
            client = client_of(read_metadata(request), client_id, secret_sha256, self._parts.allowed)
        except OAuthError:
            await self._parts.throttle.take_back(attempt)  # nothing was made, and nothing guessed
            raise
        client = replace(client, registration_sha256=token_format.digest(token))
        await self._changes.register_client(client, actor=f"client:{client.id}")
        log.info(
            "client registered: client=%s source=%s request=%s", client.id, request.source, request.request_id
        )
        told = self._told(client, token) | {"client_id_issued_at": int(self._clock())}
        if client.secret_sha256 is not None:
            told |= {"client_secret": secret, "client_secret_expires_at": 0}
        return json_answer(201, told)

    async def _count(self, what: str, request: Request) -> Attempt:
        """Raises SlowDownError."""
        attempt = Attempt(what, request.source)
        admission = await self._parts.throttle.count(attempt)
        if isinstance(admission, RateLimited):
            raise SlowDownError("too many registrations", admission.retry_after_seconds)
        return attempt

    async def _its_own(self, client_id: str, token: str) -> RegisteredClient:
        """The client whose token it is. One answer for an unknown client, another's token, and a disabled one."""
        client = await self._find(client_id)
        kept = None if client is None else client.registration_sha256
        right = _is(token, kept or _NOBODYS)
        if client is None or kept is None or not right or client.disabled:
            raise InvalidTokenError("the registration access token is not right")
        return client

    async def _change(self, request: Request, before: RegisteredClient) -> RegisteredClient:
        asked = read_metadata(request)
        if asked.get("client_id") != before.id or any(name in asked for name in _OURS):
            raise InvalidClientMetadataError(f"client_id has to be there, and none of {', '.join(_OURS)}")
        secret = asked.get("client_secret")
        if secret is not None and not (isinstance(secret, str) and before.has_secret(secret)):
            raise InvalidClientMetadataError("client_secret is not the client's; it cannot be chosen")
        after = client_of(asked, before.id, before.secret_sha256 or _NOBODYS, self._parts.allowed)
        if method_of(after) != method_of(before):
            raise InvalidClientMetadataError("token_endpoint_auth_method stays; register anew for another")
        after = replace(
            after, registration_sha256=before.registration_sha256, authentication=before.authentication
        )
        # Every process of every node hears of a change, and is waited for: a stranger does not choose how often.
        await self._count(f"changes of {before.id}", request)
        demand_refused_here(await self._changes.change_client(after, actor=f"client:{before.id}"))
        return after

    def _told(self, client: RegisteredClient, token: str) -> dict[str, Any]:
        """RFC 7592 3: with the token that was shown, which we do not know otherwise."""
        management = {
            "registration_client_uri": f"{self._place}/{client.id}",
            "registration_access_token": token,
        }
        return metadata_of(client) | management


def _token(request: Request) -> str:
    if not request.authorizations:
        raise NoTokenError("this needs a token: Authorization: Bearer")
    found = _BEARER.fullmatch(request.authorizations[0])
    if len(request.authorizations) > 1 or found is None:
        raise InvalidRequestError("Authorization is to be one Bearer token")
    return found[1]


def _is(token: str, sha256: bytes) -> bool:
    return hmac.compare_digest(token_format.digest(token), sha256)


def _other_method(request: Request, allowed: str) -> Answer:
    title = "This path does not take this method"
    allow = ((b"allow", allowed.encode()),)
    return problem_answer(405, "method_not_allowed", title, request.request_id, allow)
