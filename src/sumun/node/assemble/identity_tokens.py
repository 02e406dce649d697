"""Identity tokens for services: minted once for a caller and a service, and handed on until half their life is over."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from sumun.access import Policy
from sumun.identity import Principal
from sumun.tokens.mint import mint_identity_token
from sumun.tokens.signing_keys import KeyRing, SigningKey

MOST_KEPT = 10_000  # about 1 KiB each


class IdentityTokens:
    """Mints and keeps. Lives on one event loop."""

    def __init__(
        self,
        keys: Callable[[], KeyRing],
        *,
        issuer: str,
        algorithm: str,
        lifetime_seconds: int,
    ) -> None:
        """`keys` gives today's ring."""
        self._keys = keys
        self._issuer = issuer
        self._algorithm = algorithm
        self._lifetime_seconds = lifetime_seconds
        self._kept: OrderedDict[tuple[int, Principal, str], tuple[SigningKey, float, str]] = OrderedDict()

    def for_service(
        self, policy: Policy, principal: Principal, service: str, now: float, until: float
    ) -> str:
        """A token for this caller and service, half a life at least, that ends no later than the caller's (`until`).

        Raises NoSigningKeyError, TokenTooLargeError.
        """
        key = self._keys().active(self._algorithm)
        wanted = (policy.generation, principal, service)
        kept = self._kept.get(wanted)
        if kept is not None and kept[0] is key and now < kept[1]:
            return kept[2]
        token = mint_identity_token(
            principal,
            policy.bundles,
            key,
            issuer=self._issuer,
            service=service,
            now=now,
            lifetime_seconds=self._lifetime_seconds,
            proven_until=until,
        )
        self._kept[wanted] = (key, now + self._lifetime_seconds / 2, token)
        self._kept.move_to_end(wanted)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return token
