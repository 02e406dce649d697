"""Client authentication at an endpoint: the request's headers and form -> the client, or an OAuthError."""

from __future__ import annotations

from dataclasses import replace

from sumun.directory.client import RegisteredClient
from sumun.login.client_secret import (
    ClientLogin,
    ClientProofError,
    ClientRejected,
    TwoClientProofsError,
    read_client_proof,
)
from sumun.login.throttle import RateLimited
from sumun.oauth.certificates import shown_certificate
from sumun.oauth.errors import InvalidClientError, InvalidRequestError, SlowDownError
from sumun.oauth.exchange import Request
from sumun.oauth.messages import Form

# One sentence for unknown, wrong secret, no secret and disabled: nobody learns which client ids exist.
_REJECTED = "client authentication failed"


async def authenticated_client(
    request: Request, form: Form, login: ClientLogin[RegisteredClient]
) -> RegisteredClient:
    """The client that the request is from (RFC 6749 section 2.3; a public client only says its id: 3.2.1).

    Raises InvalidRequestError (two ways at once), InvalidClientError, SlowDownError, OutageError.
    """
    if request.query:
        # RFC 6749 2.3.1: "The parameters can only be transmitted in the request-body and MUST NOT be included in the
        # request URI." Nothing of ours is read from there, and what is there is in logs.
        raise InvalidRequestError("parameters belong in the body, not in the URL")
    if len(request.authorizations) > 1:
        raise InvalidRequestError("more than one Authorization header")
    authorization = request.authorizations[0] if request.authorizations else None
    try:
        proof = replace(read_client_proof(authorization, form), certificate=shown_certificate(request))
    except TwoClientProofsError as error:
        raise InvalidRequestError(str(error)) from None
    except ClientProofError as error:
        raise InvalidClientError(str(error)) from None
    match await login.prove(proof, request.source):
        case RateLimited(seconds):
            raise SlowDownError("too many failed attempts; wait", seconds)
        case ClientRejected():
            raise InvalidClientError(_REJECTED)
        case proved:
            return proved.client
