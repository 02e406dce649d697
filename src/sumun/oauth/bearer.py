"""An access token that somebody calls our own endpoints with, in Authorization (RFC 6750 2.1)."""

from __future__ import annotations

import re
from typing import Final

from sumun.oauth.errors import InvalidRequestError, NoTokenError
from sumun.oauth.exchange import Request

# RFC 6750 2.1; the scheme in any case (RFC 9110 11.1).
_BEARER: Final = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)


def bearer_token(request: Request) -> str:
    """The token. Raises NoTokenError, InvalidRequestError (anything but one Bearer token)."""
    if not request.authorizations:
        raise NoTokenError("this needs an access token: Authorization: Bearer")
    found = _BEARER.fullmatch(request.authorizations[0])
    if len(request.authorizations) > 1 or found is None:
        raise InvalidRequestError("Authorization is to be one Bearer token")
    return found[1]
