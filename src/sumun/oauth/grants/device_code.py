"""The device code grant (RFC 8628 3.4 and 3.5): a device asks whether a person has decided.

    no answer yet        authorization_pending; less than the interval after the last time: slow_down
    refused              access_denied, once
    allowed              the token, once
    its time is over     expired_token; long over, or never there: invalid_grant

What a person allowed is held against what is true now: between their answer and this question they may have been
disabled or have changed their password. (Whether they have taken it back is seen by `issue`.)
"""

from __future__ import annotations

from sumun.config.plan import DEVICE_CODE
from sumun.directory.client import RegisteredClient
from sumun.identity import Subject
from sumun.oauth.clients import ReadStanding
from sumun.oauth.device.requests import Approval, DeviceRequests
from sumun.oauth.errors import (
    AccessDeniedError,
    AuthorizationPendingError,
    ExpiredTokenError,
    InvalidGrantError,
    InvalidRequestError,
    PollingTooFastError,
)
from sumun.oauth.grants.grant import Call, Granted
from sumun.oauth.messages import Form
from sumun.oauth.resources import Resources

# One sentence for unknown, used, another client's, and an approval that is not so any more.
_REJECTED = "the device code is not good"


class DeviceCodeGrant:
    """Keeps the contract of `grant.Grant`."""

    name = DEVICE_CODE

    def __init__(self, requests: DeviceRequests, standing: ReadStanding, resources: Resources) -> None:
        """`standing` asks the directory itself."""
        self._requests = requests
        self._standing = standing
        self._resources = resources

    async def granted(self, form: Form, client: RegisteredClient, call: Call) -> Granted:
        """See the contract."""
        device_code = form.get("device_code")
        if device_code is None:
            raise InvalidRequestError("the device code grant needs device_code")
        found = await self._requests.look(device_code)
        if found is None or found.request.client_id != client.id:
            raise InvalidGrantError(_REJECTED)
        if found.expired:
            raise ExpiredTokenError("the device code is over; begin again")
        if not found.request.decided:
            if await self._requests.too_fast(found):
                raise PollingTooFastError("wait five seconds longer between two questions")
            raise AuthorizationPendingError("nobody has decided yet")
        if not await self._requests.redeem(found):
            raise InvalidGrantError(_REJECTED)
        if found.request.approval is None:
            raise AccessDeniedError("the person refused")
        audience = self._resources.audience(self._resources.known(found.request.resources))
        return await self._granted(found.request.approval, client, audience)

    async def _granted(
        self, approval: Approval, client: RegisteredClient, audience: frozenset[str]
    ) -> Granted:
        standing = await self._standing(Subject.user(approval.user_id))
        if standing is None or standing.disabled or standing.login_epoch != approval.login_epoch:
            raise InvalidGrantError(_REJECTED)
        if not all(any(scope.covers(one) for scope in client.scopes) for one in approval.scopes):
            raise InvalidGrantError("the client may have less now than when it was allowed")
        return Granted(
            standing,
            approval.scopes,
            openid=approval.openid,
            grant_id=approval.grant_id,
            audience=audience,
            auth_time=approval.auth_time,
            amr=approval.amr,
            acr=approval.acr,
            refreshable=True,
        )
