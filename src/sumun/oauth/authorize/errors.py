"""Refusals of the authorization endpoint. The client hears of one only if we know that it is the client who asks.

SumunError
├── UntrustedRequestError   the client or its address is not known: the person sees a page, nobody is redirected
└── AuthorizationError      everything else: sent back to the client (RFC 6749 4.1.2.1), JSON at /oauth/par
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from sumun.errors import SumunError


class Untrusted(StrEnum):
    """Why nobody is redirected."""

    MALFORMED = "malformed"
    CLIENT = "client"
    REDIRECT = "redirect"
    PUSHED = "pushed"
    """A pushed request (RFC 9126) that is over, was used, or is another client's."""


class UntrustedRequestError(SumunError):
    """RFC 6749 4.1.2.1: "MUST NOT automatically redirect the user agent to the invalid redirection URI"."""

    code: ClassVar[str] = "untrusted_authorization_request"

    def __init__(self, why: Untrusted, sentence: str) -> None:
        """`sentence` is for the developer of the client; nothing of the request is in it."""
        super().__init__(sentence)
        self.why = why


class Refusal(StrEnum):
    """The words of `error` in an authorization response."""

    # RFC 6749 4.1.2.1
    INVALID_REQUEST = "invalid_request"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    ACCESS_DENIED = "access_denied"
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"
    INVALID_SCOPE = "invalid_scope"
    # RFC 8707 2
    INVALID_TARGET = "invalid_target"
    # OpenID Connect Core 3.1.2.6
    LOGIN_REQUIRED = "login_required"
    CONSENT_REQUIRED = "consent_required"
    REQUEST_NOT_SUPPORTED = "request_not_supported"
    REQUEST_URI_NOT_SUPPORTED = "request_uri_not_supported"
    REGISTRATION_NOT_SUPPORTED = "registration_not_supported"


class AuthorizationError(SumunError):
    """The request is refused, and its client is told."""

    code: ClassVar[str] = "authorization_refused"

    def __init__(self, refusal: Refusal, sentence: str) -> None:
        """`sentence` becomes `error_description`: ASCII without quotes (RFC 6749 A.8), nothing that was sent."""
        super().__init__(sentence)
        self.refusal = refusal
