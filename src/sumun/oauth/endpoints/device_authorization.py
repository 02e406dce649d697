"""The device authorization endpoint (RFC 8628 3.1 and 3.2): a device asks for a code to show."""

from __future__ import annotations

from sumun.config.plan import DEVICE_CODE
from sumun.directory.client import RegisteredClient
from sumun.login.client_secret import ClientLogin
from sumun.oauth.authentication import authenticated_client
from sumun.oauth.device.requests import INTERVAL_SECONDS, LIFETIME_SECONDS, DeviceRequests
from sumun.oauth.device.user_codes import shown
from sumun.oauth.errors import UnauthorizedClientError
from sumun.oauth.exchange import Answer, Request, json_answer
from sumun.oauth.messages import read_form
from sumun.oauth.paths import DEVICE_PATH
from sumun.oauth.resources import Resources
from sumun.oauth.scopes import asked_scopes
from sumun.oauth.strangers import Strangers


class DeviceAuthorizationEndpoint:
    """Begins requests of clients that prove who they are, as at the token endpoint."""

    def __init__(
        self,
        login: ClientLogin[RegisteredClient],
        requests: DeviceRequests,
        resources: Resources,
        origin: str,
        strangers: Strangers,
    ) -> None:
        """`origin`: our scheme, host and port, under which people find the page."""
        self._login = login
        self._requests = requests
        self._resources = resources
        self._strangers = strangers
        self._page = f"{origin}{DEVICE_PATH}"

    async def answer(self, request: Request) -> Answer:
        """RFC 8628 3.2; refusals as RFC 6749 5.2."""
        form = read_form(request.content_types, request.body)
        client = await authenticated_client(request, form, self._login)
        if DEVICE_CODE not in client.grants:
            raise UnauthorizedClientError("this client may not use this grant")
        scopes, openid = asked_scopes(form.get("scope"), client.scopes)
        asked = self._resources.asked(form)
        await self._strangers.count_unless_known(client, request)
        begun = await self._requests.begin(client.id, scopes, openid, asked)
        code = shown(begun.user_code)
        return json_answer(
            200,
            {
                "device_code": begun.device_code,
                "user_code": code,
                "verification_uri": self._page,
                "verification_uri_complete": f"{self._page}?user_code={code}",
                "expires_in": LIFETIME_SECONDS,
                "interval": INTERVAL_SECONDS,
            },
        )
