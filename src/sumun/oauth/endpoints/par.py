"""Pushed authorization requests (RFC 9126): a client sends its request here, the browser carries a reference to it."""

from __future__ import annotations

from dataclasses import replace

from sumun.directory.client import RegisteredClient
from sumun.login.client_secret import ClientLogin
from sumun.oauth.authentication import authenticated_client
from sumun.oauth.authorize.errors import AuthorizationError, Refusal, UntrustedRequestError
from sumun.oauth.authorize.parameters import Parameters, read_parameters
from sumun.oauth.authorize.pushed import LIFETIME_SECONDS, PushedRequests
from sumun.oauth.authorize.request import read_request, reply_to, require_known
from sumun.oauth.exchange import NO_STORE, Answer, Request, json_answer
from sumun.oauth.messages import refuse_other_bodies
from sumun.oauth.proofs import KeyProofs
from sumun.oauth.resources import Resources
from sumun.oauth.strangers import Strangers
from sumun.tokens.binding import confirmation


class ParEndpoint:
    """Takes requests of clients that prove who they are, as at the token endpoint."""

    def __init__(
        self,
        login: ClientLogin[RegisteredClient],
        pushed: PushedRequests,
        proofs: KeyProofs,
        resources: Resources,
        strangers: Strangers,
    ) -> None:
        self._login = login
        self._proofs = proofs
        self._pushed = pushed
        self._resources = resources
        self._strangers = strangers

    async def answer(self, request: Request) -> Answer:
        """RFC 9126 2.2 and 2.3. The request is held against the client now, and again when it is taken up."""
        refuse_other_bodies(request.content_types, request.body)
        try:
            parameters = read_parameters(request.body)
        except UntrustedRequestError as error:
            return _refused(request, Refusal.INVALID_REQUEST, str(error))
        proof = self._proofs.opened(request)
        client = await authenticated_client(request, parameters.values, self._login)
        proved = await self._proofs.use_up(proof)
        try:
            parameters = _for_key(parameters, proved)
            if parameters.get("request_uri") is not None:
                # 2.1: "The request_uri authorization request parameter is one exception, and it MUST NOT be provided."
                raise AuthorizationError(Refusal.INVALID_REQUEST, "request_uri is not pushed")
            asked = read_request(parameters, client, reply_to(parameters, client))
            require_known(asked, self._resources)
        except AuthorizationError as error:
            return _refused(request, error.refusal, str(error))
        except UntrustedRequestError as error:
            return _refused(request, Refusal.INVALID_REQUEST, str(error))
        await self._strangers.count_unless_known(client, request)
        request_uri = await self._pushed.push(client.id, parameters, by_client=True)
        told = {"request_uri": request_uri, "expires_in": LIFETIME_SECONDS}
        return json_answer(201, told, (*NO_STORE, *self._proofs.next_nonce(proof)))


def _for_key(parameters: Parameters, proved: str) -> Parameters:
    """RFC 9449 10.1: a proof beside the request says the same as `dpop_jkt`. `proved` is a `bound_to`, or empty."""
    if not proved:
        return parameters
    (jkt,) = confirmation(proved).values()
    if parameters.get("dpop_jkt") not in (None, jkt):
        raise AuthorizationError(Refusal.INVALID_REQUEST, "dpop_jkt is not the key of the DPoP proof")
    return replace(parameters, values={**parameters.values, "dpop_jkt": jkt})


def _refused(request: Request, refusal: Refusal, sentence: str) -> Answer:
    told = {"error": refusal.value, "error_description": sentence, "request_id": request.request_id}
    return json_answer(400, told)
