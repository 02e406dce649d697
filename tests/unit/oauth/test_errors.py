"""The table of errors is whole."""

from __future__ import annotations

from sumun.oauth import errors
from sumun.oauth.app import refusal
from sumun.oauth.errors import STATUS, InvalidClientError, OAuthError, SlowDownError

# RFC 6749 5.2; those of RFC 8628 3.5 (IANA, OAuth Extensions Error: token endpoint response); invalid_token of RFC 6750 3.1;
# invalid_target of RFC 8707 2.
CODES = {
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
    "slow_down",
    "authorization_pending",
    "access_denied",
    "expired_token",
    "insufficient_scope",
    "invalid_dpop_proof",
    "invalid_client_metadata",
    "invalid_redirect_uri",
    "use_dpop_nonce",
    "invalid_token",
}


def test_every_error_has_a_status() -> None:
    """Each error class of the OAuth server stands in the table, with a code of an RFC."""
    classes = {
        one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, OAuthError)
    } - {OAuthError}
    assert set(STATUS) == classes
    assert {one.code for one in classes} == CODES


def test_headers_of_refusals() -> None:
    """401 says how to authenticate, 429 when to come back; nothing may be stored."""
    challenge = refusal(InvalidClientError("x"), "r")
    assert (challenge.status, dict(challenge.headers)[b"www-authenticate"]) == (
        401,
        b'Basic realm="sumun", charset="UTF-8"',
    )
    slow = refusal(SlowDownError("x", 17), "r")
    assert (slow.status, dict(slow.headers)[b"retry-after"]) == (429, b"17")
    for answer in (challenge, slow):
        assert dict(answer.headers)[b"cache-control"] == b"no-store"
