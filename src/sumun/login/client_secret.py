"""Clients prove who they are: RFC 6749 section 2.3.1, `client_secret_basic`, `client_secret_post`, and `none`; or with
a certificate (`client_certificate`) or a key (`client_assertion`).

    read_client_proof(authorization, form)   which client is claimed, with which secret, sent in which way; sans-IO
    ClientLogin.prove(proof)                 Proved(client) | ClientRejected | RateLimited

Secrets are compared as SHA-256 digests in constant time, and an unknown client costs the same comparison. A fast hash
suffices for secrets that we make (256 random bits); against guessing of those that people choose stands the throttle
(RFC 6749 2.3.1: "the authorization server MUST protect any endpoint utilizing it against brute force attacks"). It is
kept in the memory of each process, so that issuing tokens to programs costs no extra question to a store.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Generic, Protocol, TypeVar
from urllib.parse import unquote_to_bytes

from sumun.config.plan import KnownCertificates
from sumun.errors import SumunError
from sumun.login.client_assertion import ClientAssertions, read_assertion
from sumun.login.client_certificate import ShownCertificate, why_not
from sumun.login.fetched_keys import FetchedKeys
from sumun.login.throttle import Attempt, LoginThrottle, RateLimited
from sumun.tokens.foreign_jws import ForeignJws

log = logging.getLogger(__name__)

_BASIC = re.compile(
    r"basic +([A-Za-z0-9+/]+={0,2})", re.IGNORECASE
)  # RFC 7617 2, token68 with RFC 4648 padding
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class ClientAuthMethod(StrEnum):
    """How a client authenticates (the names of RFC 7591 section 2)."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    NONE = "none"
    TLS = "tls_client_auth"
    SELF_SIGNED_TLS = "self_signed_tls_client_auth"
    PRIVATE_KEY_JWT = "private_key_jwt"


@dataclass(frozen=True, slots=True)
class ClientProof:
    """What a client offers. The secret never shows in repr; it is empty when none was sent.

    `method` is how the secret was sent. `certificate` is that of the connection: whether it means anything is the
    client's to say. `assertion` is what it signed, for `private_key_jwt`.
    """

    client_id: str
    method: ClientAuthMethod
    secret: str = field(default="", repr=False)
    certificate: ShownCertificate | None = None
    assertion: ForeignJws | None = field(default=None, repr=False)

    @property
    def offers(self) -> bool:
        """Whether it says more than its id: then it may be a guess."""
        return bool(self.secret) or self.assertion is not None


class ClientProofError(SumunError):
    """The request does not say which client it is from, or says it in a way that is not taken."""

    code: ClassVar[str] = "bad_client_proof"


class TwoClientProofsError(ClientProofError):
    """Two ways at once, or two client ids. RFC 6749 2.3: "MUST NOT use more than one authentication method"."""

    code: ClassVar[str] = "two_client_proofs"


class NoClientProofError(ClientProofError):
    """No client is named."""

    code: ClassVar[str] = "no_client_proof"


def read_client_proof(authorization: str | None, form: Mapping[str, str]) -> ClientProof:
    """Who says the request it is from? `authorization` is the header's value, `form` the body's parameters.

    Raises TwoClientProofsError, NoClientProofError, and ClientProofError for a scheme other than Basic or a Basic
    value that cannot be read.
    """
    form_id = form.get("client_id", "")
    form_secret = form.get("client_secret", "")
    if "client_assertion" in form or "client_assertion_type" in form:
        if authorization is not None or form_secret:
            raise TwoClientProofsError("client_assertion beside a secret or an Authorization header")
        return _read_assertion(form, form_id)
    if authorization is None:
        if not form_id:
            raise NoClientProofError("no client is named: neither client_id nor an Authorization header")
        method = ClientAuthMethod.POST if form_secret else ClientAuthMethod.NONE
        return ClientProof(form_id, method, form_secret)
    if form_secret:
        raise TwoClientProofsError("client_secret and an Authorization header at once")
    client_id, secret = _read_basic(authorization)
    if form_id and form_id != client_id:
        raise TwoClientProofsError("client_id and the Authorization header name two clients")
    # RFC 6749 2.3.1: a secret that is the empty string may as well be left out.
    return ClientProof(client_id, ClientAuthMethod.BASIC if secret else ClientAuthMethod.NONE, secret)


def _read_assertion(form: Mapping[str, str], form_id: str) -> ClientProof:
    """RFC 7521 4.2: `client_id` need not be there, and is the subject's when it is."""
    assertion = read_assertion(form)
    subject = None if assertion is None else assertion.claims.get("sub")
    if assertion is None or not isinstance(subject, str) or not subject:
        raise ClientProofError(
            "client_assertion is not a JWT of a client, or client_assertion_type is another"
        )
    if form_id and form_id != subject:
        raise TwoClientProofsError("client_id and client_assertion name two clients")
    return ClientProof(subject, ClientAuthMethod.PRIVATE_KEY_JWT, assertion=assertion)


def _read_basic(authorization: str) -> tuple[str, str]:
    match = _BASIC.fullmatch(authorization)
    if match is None:
        raise ClientProofError("the Authorization header is not of the form: Basic, space, base64")
    try:
        pair = base64.b64decode(match[1], validate=True)
    except binascii.Error:
        raise ClientProofError("the value of Basic is not base64") from None
    client_id, colon, secret = pair.partition(b":")
    if not colon or not client_id:
        raise ClientProofError("the value of Basic is not client_id, colon, secret")
    return _form_decoded(client_id), _form_decoded(secret)


def _form_decoded(text: bytes) -> str:
    """RFC 6749 2.3.1: both are form-urlencoded (Appendix B) before they are joined and base64-encoded."""
    if _BAD_PERCENT.search(text):
        raise ClientProofError("client id and secret in Basic are to be form-urlencoded (RFC 6749 2.3.1)")
    try:
        return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise ClientProofError("client id and secret in Basic are not UTF-8") from None


class HasSecret(Protocol):
    """What is to be known of a client to judge its proof."""

    @property
    def secret_sha256(self) -> bytes | None:
        """SHA-256 of the secret's UTF-8; None: a public client, which has none."""
        ...

    @property
    def certificate(self) -> KnownCertificates | None:
        """The certificates that it proves itself with; None: with none."""
        ...

    @property
    def jwks(self) -> str:
        """The JWK Set of the keys that it proves itself with; empty: with none."""
        ...

    @property
    def jwks_uri(self) -> str:
        """Where it publishes them; empty: nowhere that we look."""
        ...

    @property
    def jwks_uri_internal(self) -> bool:
        """Whether that may lead to private addresses."""
        ...

    @property
    def authentication(self) -> str:
        """The one `ClientAuthMethod` that it proves itself by; empty: any that fits what it has."""
        ...

    @property
    def disabled(self) -> bool:
        """True: the client may not log in, whatever it proves."""
        ...


ClientT_co = TypeVar("ClientT_co", bound=HasSecret, covariant=True)


@dataclass(frozen=True, slots=True)
class Proved(Generic[ClientT_co]):
    """It is this client."""

    client: ClientT_co


@dataclass(frozen=True, slots=True)
class ClientRejected:
    """It is not, or it is disabled. The caller hears one word for all of it; `because` is for the log."""

    because: str


class ClientLogin(Generic[ClientT_co]):
    """Judges what clients offer."""

    def __init__(
        self,
        find: Callable[[str], Awaitable[ClientT_co | None]],
        throttle: LoginThrottle,
        assertions: ClientAssertions,
        fetched: FetchedKeys,
    ) -> None:
        """`find` looks a client up by id and raises OutageError; `throttle` is one of this process's own.

        `fetched`: the keys of clients that publish them.
        """
        self._find = find
        self._throttle = throttle
        self._assertions = assertions
        self._fetched = fetched
        self._nobody = secrets.token_bytes(32)  # the digest of no secret that anybody knows

    async def prove(
        self, proof: ClientProof, source: str
    ) -> Proved[ClientT_co] | ClientRejected | RateLimited:
        """Is it this client? Raises OutageError when clients cannot be looked up."""
        attempt = Attempt(f"client:{proof.client_id}", source)
        admission = await self._throttle.admit(attempt)
        if isinstance(admission, RateLimited):
            log.info("client throttled: for=%ds source=%s", admission.retry_after_seconds, source)
            return admission
        client = await self._find(proof.client_id)
        because = self._why_not(client, proof, await self._keys_of(client, proof))
        if because is None and proof.assertion is not None:
            because = await self._assertions.use_up(proof.client_id, proof.assertion)
        if because is None and client is not None:
            if proof.offers:
                await self._throttle.succeeded(attempt)
            return Proved(client)
        if proof.offers:
            await self._throttle.failed(attempt)
        known = proof.client_id if client is not None else "?"
        log.info(
            "client rejected: client=%s because=%s method=%s source=%s", known, because, proof.method, source
        )
        return ClientRejected(because or "unknown")

    async def _keys_of(self, client: ClientT_co | None, proof: ClientProof) -> str:
        """Its JWK Set; empty: it has none, or they do not matter now. Raises OutageError."""
        if client is None or proof.assertion is None or not client.jwks_uri:
            return "" if client is None else client.jwks
        kid = proof.assertion.header.get("kid")
        named = kid if isinstance(kid, str) else None
        return await self._fetched.of(client.jwks_uri, named, private=client.jwks_uri_internal)

    def _why_not(self, client: ClientT_co | None, proof: ClientProof, jwks: str) -> str | None:
        kept = client.secret_sha256 if client is not None else None
        right = hmac.compare_digest(kept or self._nobody, hashlib.sha256(proof.secret.encode()).digest())
        # An unknown client costs a signature, too.
        signed = self._not_signed(proof, jwks)
        if client is None:
            return "unknown"
        if client.authentication not in ("", proof.method) and client.certificate is None:
            because: str | None = "another_method"
        elif client.jwks or client.jwks_uri:
            because = signed if proof.assertion is not None else "no_assertion"
        elif proof.assertion is not None:
            because = "no_keys"
        elif client.certificate is not None:
            # RFC 6749 2.3: "MUST NOT use more than one authentication method in each request".
            because = (
                "secret_beside_certificate"
                if proof.secret
                else why_not(client.certificate, proof.certificate)
            )
        elif kept is None:
            # A public client has no secret to send; whoever sends one takes it for another client.
            because = "public_client_with_secret" if proof.secret else None
        else:
            because = None if right else "wrong_secret" if proof.secret else "no_secret"
        return because or ("disabled" if client.disabled else None)

    def _not_signed(self, proof: ClientProof, jwks: str) -> str | None:
        if proof.assertion is None:
            return "no_assertion"
        return self._assertions.why_not(proof.client_id, jwks, proof.assertion)
