"""Errors of the OAuth server, with the words of the RFCs, and the one table from error to HTTP status.

SumunError
└── OAuthError                      the request is refused: `code` is the member `error` of the answer
    ├── InvalidRequestError         RFC 6749 5.2   missing, repeated or malformed parameter; two ways to authenticate
    │   ├── UnsupportedMediaTypeError   the body is of another type
    │   ├── BodyTooLargeError           the body is too large
    │   └── BodyTooSlowError            the body did not come in time
    ├── InvalidClientError          RFC 6749 5.2   the client did not prove who it is
    ├── InvalidGrantError           RFC 6749 5.2   what was to be exchanged for a token is not good
    ├── UnauthorizedClientError     RFC 6749 5.2   the client may not use this grant
    │   └── NotAResourceServerError RFC 7662 2.1   the client may not introspect
    ├── UnsupportedGrantTypeError   RFC 6749 5.2
    ├── AuthorizationPendingError   RFC 8628 3.5   nobody has decided yet
    ├── PollingTooFastError         RFC 8628 3.5   the device asks more often than it was told to
    ├── AccessDeniedError           RFC 8628 3.5   the person refused
    ├── ExpiredTokenError           RFC 8628 3.5   the device code is over
    ├── InvalidScopeError           RFC 6749 5.2   unknown, malformed, or more than the client may have
    ├── InvalidTargetError          RFC 8707 2     a resource is unknown, or more than was granted
    ├── InsufficientScopeError      RFC 6750 3.1   the access token in Authorization is good for something else
    ├── InvalidClientMetadataError  RFC 7591 3.2.2 a client cannot register so
    ├── InvalidRedirectUriError     RFC 7591 3.2.2
    ├── InvalidProofError           RFC 9449 5     the DPoP proof is not good
    │   ├── ProofNonceError         RFC 9449 8     it needs a nonce of ours
    │   │   └── CallProofNonceError RFC 9449 9     the same, beside an access token
    │   └── CallProofError          RFC 9449 7.1   the same, beside an access token
    ├── InvalidTokenError           RFC 6750 3.1   the access token in Authorization is not good
    │   └── NoTokenError            RFC 6750 3     there is none
    └── SlowDownError               RFC 6585 4     too many failures; `retry_after_seconds`

`str(error)` becomes `error_description`: for the developer of the client, ASCII, nothing that the client sent. An
outage (errors.OutageError) is none of these: 503 `temporarily_unavailable`; a bug is 500 `server_error` (RFC 6749
4.1.2.1). Codes that nothing here would raise (RFC 7009's `unsupported_token_type`) are not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sumun.errors import SumunError


class OAuthError(SumunError):
    """A request is refused."""

    code: ClassVar[str] = "invalid_request"


class InvalidRequestError(OAuthError):
    """The request is missing a parameter, repeats one, is malformed, or authenticates in two ways."""

    code: ClassVar[str] = "invalid_request"


class UnsupportedMediaTypeError(InvalidRequestError):
    """The body is not form-urlencoded."""


class BodyTooLargeError(InvalidRequestError):
    """The body is larger than any honest request."""


class BodyTooSlowError(InvalidRequestError):
    """The body did not come in time."""


class InvalidClientError(OAuthError):
    """The client did not prove who it is. One sentence for unknown, wrong, disabled, and the wrong method."""

    code: ClassVar[str] = "invalid_client"


class InvalidGrantError(OAuthError):
    """The grant is not good. One sentence for unknown people, wrong passwords and disabled accounts."""

    code: ClassVar[str] = "invalid_grant"


class UnauthorizedClientError(OAuthError):
    """The client may not use this grant."""

    code: ClassVar[str] = "unauthorized_client"


class NotAResourceServerError(UnauthorizedClientError):
    """The client may not introspect: it is not a resource server."""


class UnsupportedGrantTypeError(OAuthError):
    """There is no such grant here."""

    code: ClassVar[str] = "unsupported_grant_type"


class AuthorizationPendingError(OAuthError):
    """Nobody has decided yet; the device asks again after the interval."""

    code: ClassVar[str] = "authorization_pending"


class PollingTooFastError(OAuthError):
    """The device asks too often; it waits five seconds longer from now on."""

    code: ClassVar[str] = "slow_down"


class AccessDeniedError(OAuthError):
    """The person refused."""

    code: ClassVar[str] = "access_denied"


class ExpiredTokenError(OAuthError):
    """The device code is over: nobody decided in time."""

    code: ClassVar[str] = "expired_token"


class InvalidScopeError(OAuthError):
    """The scope is malformed, or more than the client may have."""

    code: ClassVar[str] = "invalid_scope"


class InvalidTargetError(OAuthError):
    """A resource that was asked for is unknown, or more than was granted."""

    code: ClassVar[str] = "invalid_target"


class InvalidClientMetadataError(OAuthError):
    """A client says something of itself that it cannot be (RFC 7591 3.2.2)."""

    code: ClassVar[str] = "invalid_client_metadata"


class InvalidRedirectUriError(OAuthError):
    """A redirect address is missing or not one (RFC 7591 3.2.2)."""

    code: ClassVar[str] = "invalid_redirect_uri"


class InvalidProofError(OAuthError):
    """The DPoP proof beside a request for a token is not good (RFC 9449 5)."""

    code: ClassVar[str] = "invalid_dpop_proof"


class ProofNonceError(InvalidProofError):
    """It needs a nonce of ours: here is one (RFC 9449 8)."""

    code: ClassVar[str] = "use_dpop_nonce"

    def __init__(self, sentence: str, nonce: str) -> None:
        """`nonce` is for the next proof."""
        super().__init__(sentence)
        self.nonce = nonce


class CallProofError(InvalidProofError):
    """The DPoP proof beside an access token is not good (RFC 9449 7.1)."""


class CallProofNonceError(ProofNonceError):
    """It needs a nonce of ours (RFC 9449 9)."""


class InvalidTokenError(OAuthError):
    """The access token that was sent is not good. One sentence for unknown, expired and revoked."""

    code: ClassVar[str] = "invalid_token"

    def __init__(self, sentence: str, *, dpop: bool = False) -> None:
        """`dpop`: it came with that scheme."""
        super().__init__(sentence)
        self.dpop = dpop


class InsufficientScopeError(OAuthError):
    """The access token is good, and not for this."""

    code: ClassVar[str] = "insufficient_scope"


class NoTokenError(InvalidTokenError):
    """No access token was sent."""


class SlowDownError(OAuthError):
    """Too many failures. The code is of RFC 8628 3.5, the one in the token endpoint's registry with this meaning."""

    code: ClassVar[str] = "slow_down"

    def __init__(self, sentence: str, retry_after_seconds: int) -> None:
        """`retry_after_seconds` is at least 1."""
        super().__init__(sentence)
        self.retry_after_seconds = retry_after_seconds


STATUS: Mapping[type[OAuthError], int] = {
    InvalidRequestError: 400,
    UnsupportedMediaTypeError: 415,
    BodyTooLargeError: 413,
    BodyTooSlowError: 408,
    # RFC 6749 5.2: "MAY return an HTTP 401", and MUST when Authorization was used. Always 401: one answer for all.
    InvalidClientError: 401,
    InvalidGrantError: 400,
    UnauthorizedClientError: 400,
    NotAResourceServerError: 403,
    UnsupportedGrantTypeError: 400,
    AuthorizationPendingError: 400,
    PollingTooFastError: 400,
    AccessDeniedError: 400,
    ExpiredTokenError: 400,
    InvalidScopeError: 400,
    InvalidClientMetadataError: 400,
    InvalidRedirectUriError: 400,
    InvalidProofError: 400,
    ProofNonceError: 400,
    CallProofError: 401,
    CallProofNonceError: 401,
    InvalidTargetError: 400,
    InvalidTokenError: 401,
    NoTokenError: 401,
    InsufficientScopeError: 403,
    SlowDownError: 429,
}
"""Every class that is raised, and its status (the base class never is)."""
