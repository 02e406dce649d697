"""A client's way to log in: its chain of authenticators, and the throttle around it.

    ThrottledLogin    budget left? -> LoginChain -> count the failure, or forget the debt
    LoginChain        the authenticators in the order of the file; the first answer that is not NotMine ends it

Equal time. A wrong password for a known account costs one verification of a hash. An account that no authenticator
knows must cost the same, or the clock tells which accounts exist. So an authenticator that would have verified a hash
says so (`NotMine.owes_a_verification`) and the chain pays with one verification of a dummy hash: at once, so that what
comes after does not show whether it was paid, and only once, however many authenticators of that kind are in the chain.
(A chain that goes on to another server still shows, by that server's time, that the account is not a local one. No
order of questions hides that, short of sending the passwords of our own people to the other server.)
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from sumun.errors import OutageError
from sumun.login.authenticator import (
    Authenticator,
    Identified,
    NotMine,
    PasswordProof,
    Rejected,
    RejectedBecause,
)
from sumun.login.throttle import Attempt, LoginThrottle, RateLimited
from sumun.telemetry.metrics import LOGINS

log = logging.getLogger(__name__)

PayVerification = Callable[[str], Awaitable[None]]
"""Verifies a password against a dummy hash and forgets the result. Raises LoginBusyError."""


class LoginChain:
    """Some authenticators in order."""

    def __init__(self, authenticators: Sequence[Authenticator], pay_verification: PayVerification) -> None:
        """At least one authenticator: ValueError, for an empty chain would refuse everybody."""
        if not authenticators:
            raise ValueError("a login chain has at least one authenticator")
        self._authenticators = tuple(authenticators)
        self._pay_verification = pay_verification

    async def prove(self, proof: PasswordProof) -> Identified | Rejected:
        """Who is it? Raises OutageError when an authenticator that had to be asked cannot judge."""
        paid = False
        for authenticator in self._authenticators:
            outcome = await authenticator.prove(proof)
            if not isinstance(outcome, NotMine):
                return outcome
            if outcome.owes_a_verification and not paid:
                await self._pay_verification(proof.password)
                paid = True
        return Rejected(RejectedBecause.BAD_CREDENTIALS)


class Proves(Protocol):
    """What ThrottledLogin needs of a chain."""

    async def prove(self, proof: PasswordProof) -> Identified | Rejected:
        """Judge one proof. Raises OutageError."""
        ...


class ThrottledLogin:
    """A chain behind the throttle. An outage counts neither as a failure nor as a success."""

    def __init__(self, chain: Proves, throttle: LoginThrottle) -> None:
        """One per chain; the throttle is shared by all."""
        self._chain = chain
        self._throttle = throttle

    async def prove(self, proof: PasswordProof) -> Identified | Rejected | RateLimited:
        """Who is it, if that may be tried now? Raises OutageError (of the chain, or of the throttle's store)."""
        try:
            outcome = await self._judged(proof)
        except OutageError as outage:
            LOGINS.labels(outcome="unavailable").inc()
            log.warning("login not judged: %s %s", outage.code, _about(proof))
            raise
        match outcome:
            case Identified():
                LOGINS.labels(outcome="identified").inc()
                log.info("login: user=%s by=%s %s", outcome.user_id, outcome.authenticator, _about(proof))
            case Rejected():
                LOGINS.labels(outcome="rejected").inc()
                # Only a known account is named: what is typed as an unknown one may well be a password.
                user = outcome.user_id or "?"
                log.info("login rejected: user=%s because=%s %s", user, outcome.because, _about(proof))
            case RateLimited():
                LOGINS.labels(outcome="throttled").inc()
                log.info("login throttled: for=%ds %s", outcome.retry_after_seconds, _about(proof))
        return outcome

    async def _judged(self, proof: PasswordProof) -> Identified | Rejected | RateLimited:
        attempt = Attempt(proof.login, proof.source)
        admission = await self._throttle.admit(attempt)
        if isinstance(admission, RateLimited):
            return admission
        outcome = await self._chain.prove(proof)
        if isinstance(outcome, Rejected):
            await self._throttle.failed(attempt)
        else:
            await self._throttle.succeeded(attempt)
        return outcome


class Logins:
    """The login of every client, made from the names in its `login` list. Chains are built once."""

    def __init__(
        self,
        authenticators: Mapping[str, Authenticator],
        throttle: LoginThrottle,
        pay_verification: PayVerification,
    ) -> None:
        """`authenticators` by the name that the configuration gives them."""
        self._authenticators = authenticators
        self._throttle = throttle
        self._pay_verification = pay_verification
        self._logins: dict[tuple[str, ...], ThrottledLogin] = {}

    def login_for(self, names: tuple[str, ...]) -> ThrottledLogin | None:
        """The login with these authenticators; None when the list is empty or names one that is not configured."""
        login = self._logins.get(names)
        if login is None:
            chain = [self._authenticators[name] for name in names if name in self._authenticators]
            if not chain or len(chain) < len(names):
                return None
            login = ThrottledLogin(LoginChain(chain, self._pay_verification), self._throttle)
            self._logins[names] = login
        return login


def _about(proof: PasswordProof) -> str:
    """What every line about a login says; nothing of the proof itself."""
    return f"client={proof.client_id} source={proof.source} request={proof.request_id}"
