"""The authenticator `http`: any server that answers one question, "whose login and password are these?".

The contract with such a server is docs/authentication-server.md: one POST of JSON with a shared secret, and one of
three answers. It only says who somebody is; roles it gives are cut down to those that its setting `roles` lists; it
cannot issue anything. Whatever else comes back, or nothing, is an outage and never "wrong password":

    another status (redirects too), type or shape, an answer too large or too slow, a TLS or connection failure

Our side: one fixed URL, no redirects, no proxy from the environment, no cookies; certificates always verified; plain
http only to this machine, unless the operator insists; bounded connections; and after repeated outages a `Circuit`
that fails fast for a moment.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Self

import httpx2
import msgspec

from sumun.directory.errors import InvalidNameError, NameTakenError, UserFromElsewhereError
from sumun.directory.held_rights import Held
from sumun.directory.outside_people import OutsidePerson
from sumun.directory.user import User
from sumun.login.authenticator import (
    AuthenticatorUnavailableError,
    Identified,
    NotMine,
    Outcome,
    PasswordProof,
    Rejected,
    RejectedBecause,
)
from sumun.login.circuit import OPEN_SECONDS, Circuit
from sumun.login.errors import LoginBusyError, UnusableCertificatesError, UnusableSecretError
from sumun.login.http_answer import MAX_ANSWER_BYTES, Accepted, Answer, BadAnswerError, Refused, read_answer

log = logging.getLogger(__name__)

# Connections are kept for less than the shortest keep-alive that servers have by default (gunicorn: 2 s), so that none
# is used in the moment when the server closes it.
KEEPALIVE_SECONDS = 1.5
# Callers that may wait for each connection before a new one is told to come back.
WAITING_PER_CONNECTION = 8

Link = Callable[[OutsidePerson], Awaitable[User]]
"""Makes the account of an outside person, or brings it up to date (`directory.outside_people`)."""


@dataclass(frozen=True, slots=True)
class HttpServer:
    """One authentication server, as `http_settings` describes it. The secret never shows in repr."""

    url: str
    secret: str = field(repr=False)
    roles: frozenset[str] = frozenset()
    timeout_seconds: float = 3.0
    connect_timeout_seconds: float = 1.0
    ca_file: str | None = None
    connections: int = 8

    @classmethod
    def of(cls, settings: Mapping[str, Any], secret: str) -> Self:
        """From checked settings (HttpSettings as JSON) and what its `secret` refers to."""
        return cls(
            url=settings["url"],
            secret=secret,
            roles=frozenset(settings["roles"]),
            timeout_seconds=settings["timeout"] / 1000,
            connect_timeout_seconds=settings["connect_timeout"] / 1000,
            ca_file=settings["ca_file"],
            connections=settings["connections"],
        )


_encode = msgspec.json.Encoder().encode


class HttpAuthenticator:
    """Keeps the contract of `authenticator.Authenticator`. Lives on one event loop."""

    def __init__(self, name: str, server: HttpServer, link: Link, monotonic: Callable[[], float]) -> None:
        """Connects when first asked. Raises UnusableSecretError, UnusableCertificatesError."""
        if not server.secret or not all("!" <= letter <= "~" for letter in server.secret):
            raise UnusableSecretError(
                f"authenticator {name!r}: the shared secret is empty or has a character that is not visible ASCII; "
                "make one of letters and digits"
            )
        self.name = name
        self._server = server
        self._link = link
        self._monotonic = monotonic
        self._circuit = Circuit()
        self._asking = 0
        self._most_asking = server.connections * (1 + WAITING_PER_CONNECTION)
        self._client = httpx2.AsyncClient(
            headers={
                "Authorization": f"Bearer {server.secret}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "sumun",
            },
            verify=_tls(name, server.ca_file),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            limits=httpx2.Limits(
                max_connections=server.connections,
                max_keepalive_connections=server.connections,
                keepalive_expiry=KEEPALIVE_SECONDS,
            ),
            timeout=httpx2.Timeout(server.timeout_seconds, connect=server.connect_timeout_seconds),
        )

    async def prove(self, proof: PasswordProof) -> Outcome:
        """Judge one proof. Raises AuthenticatorUnavailableError, LoginBusyError, and OutageError when linking fails."""
        answer = await self._answered(proof)
        match answer:
            case Accepted():
                return await self._linked(answer)
            case Refused(reason):
                return Rejected(RejectedBecause(reason))
            case _:
                return NotMine()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _answered(self, proof: PasswordProof) -> Answer:
        if self._asking >= self._most_asking:
            raise LoginBusyError(f"authentication server {self.name!r}: too many callers wait for it", 1)
        if not self._circuit.may_ask(self._monotonic()):
            raise self._outage(f"did not answer lately; asked again within {OPEN_SECONDS:g} s")
        self._asking += 1
        try:
            async with asyncio.timeout(self._server.timeout_seconds):
                answer = await self._ask(proof)
        except (TimeoutError, httpx2.HTTPError, httpx2.StreamError, OSError, BadAnswerError) as error:
            self._circuit.silent(self._monotonic())
            raise self._outage(_what_happened(error)) from None
        finally:
            self._asking -= 1
        self._circuit.answered()
        return answer

    async def _ask(self, proof: PasswordProof) -> Answer:
        question = {
            "login": proof.login,
            "password": proof.password,
            "client_id": proof.client_id,
            "source": proof.source,
            "request_id": proof.request_id,
        }
        headers = {"Content-Type": "application/json"}
        async with self._client.stream(
            "POST", self._server.url, content=_encode(question), headers=headers
        ) as response:
            body = await _read_bounded(response.aiter_raw()) if response.status_code == 200 else b""
        return read_answer(response.status_code, response.headers.get("content-type", ""), body)

    async def _linked(self, accepted: Accepted) -> Outcome:
        allowed = self._server.roles
        given = frozenset(accepted.roles)
        if given - allowed:
            log.warning(
                "authentication server %s gave roles that its setting `roles` does not allow, dropped: %s",
                self.name,
                ascii(sorted(given - allowed))[:200],
            )
        try:
            person = OutsidePerson(
                self.name, accepted.subject, accepted.name or accepted.subject, Held(given & allowed)
            )
            user = await self._link(person)
        except InvalidNameError:
            raise self._outage("gave a subject or a name that nobody can have here") from None
        except (NameTakenError, UserFromElsewhereError) as taken:
            log.error("authentication server %s: %s", self.name, taken)
            return Rejected(RejectedBecause.NAME_TAKEN, accepted.subject)
        if user.disabled:
            return Rejected(RejectedBecause.DISABLED, user.id)
        return Identified(user.id, self.name)

    def _outage(self, why: str) -> AuthenticatorUnavailableError:
        return AuthenticatorUnavailableError(f"authentication server {self.name!r}: {why}")


def _tls(name: str, ca_file: str | None) -> ssl.SSLContext:
    """Verifies certificate and name; trusts `ca_file` alone if that is set, else what the machine trusts."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError too
        why = "it holds no certificate in PEM" if isinstance(error, ssl.SSLError) else error.strerror
        raise UnusableCertificatesError(
            f"authenticator {name!r}: cannot use ca_file {ca_file}: {why}; name a file of certificates in PEM"
        ) from None


async def _read_bounded(chunks: AsyncIterable[bytes]) -> bytes:
    """The body; of a body that is too large only enough to see that it is."""
    body = b""
    async for chunk in chunks:
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            break
    return body


def _what_happened(error: Exception) -> str:
    """For the log. Only these texts are shown: others of the client's may quote a header, so also our secret."""
    match error:
        case BadAnswerError():
            return f"its answer is not one of the contract: {error}"
        case TimeoutError() | httpx2.TimeoutException():
            return "no answer in time"
        case httpx2.ConnectError():
            return f"cannot connect: {str(error)[:200]!a}"
        case _:
            return f"the connection failed ({type(error).__name__})"
