"""What is kept between one request and another: begun by a program and gone on with by a person, or the reverse."""

from __future__ import annotations

from dataclasses import dataclass

from sumun.oauth.authorize.codes import Codes
from sumun.oauth.authorize.pushed import PushedRequests
from sumun.oauth.authorize.transactions import Transactions
from sumun.oauth.device.requests import DeviceRequests
from sumun.oauth.parts import OAuthParts


@dataclass(frozen=True, slots=True)
class Kept:
    """All in the one store for short-lived things."""

    transactions: Transactions
    codes: Codes
    devices: DeviceRequests
    pushed: PushedRequests

    @classmethod
    def of(cls, parts: OAuthParts) -> Kept:
        """On what the server is given."""
        return cls(
            Transactions(parts.ephemeral),
            Codes(parts.ephemeral),
            DeviceRequests(parts.ephemeral, parts.clock),
            PushedRequests(parts.ephemeral),
        )
