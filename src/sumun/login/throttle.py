"""Slowing down those who guess passwords, without giving anybody a way to lock others out.

Only failures count. Three budgets, each a number of failures in a sliding window:

    pair     one account from one source         how often a person may mistype
    source   all accounts from one source        somebody tries one password on many accounts
    total    everything                          many sources together

An account from a source where its right password was given before (within `known_for_seconds`) is a *known pair*: only
its own budget counts for it. So whatever others try, from wherever else, alice goes on logging in where she always
does; and her typing errors cost nobody else anything. Somebody who shares her address can use up her budget there, and
nowhere else.

A budget is one number, the *debt* in milliseconds: each failure adds `window / failures`, time pays it back, and an
attempt is admitted while one more failure fits the window. (The generic cell rate algorithm, ITU-T I.371: no list of
events is kept.) Admission is asked before a password is checked and the failure is written after, so attempts that are
under way at once may overshoot by as many as the password threads hold; the debt they leave is waited for in full, so
the rate over time is exact. What is checked without such a wait (codes of devices, registrations) is counted before.

A source is an IPv4 address or an IPv6 /64: whoever has one address of a /64 has them all (RFC 6177: a site gets no
less). Accounts are compared after NFKC and case folding, so spelling does not multiply the budget. What a store keeps
are digests, with an expiry, never an account's name or an address.
"""

from __future__ import annotations

import hashlib
import ipaddress
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

# Where an account has logged in is remembered for a month: long enough for someone back from holiday.
KNOWN_FOR_SECONDS = 30 * 24 * 3600
# No debt is longer than this many windows, so a burst of attempts at once cannot shut a pair for hours.
LONGEST_DEBT_WINDOWS = 2


class Counted(StrEnum):
    """What is counted; each has budgets of its own."""

    LOGIN = "login"
    USER_CODE = "usercode"
    """Codes of devices that people type (RFC 8628 5.1)."""
    REGISTRATION = "register"
    """Clients that register themselves (RFC 7591)."""
    WAITING = "waiting"
    """What strangers begin, which waits in the store."""


@dataclass(frozen=True, slots=True)
class Budgets:
    """How many failures in `window_seconds` each budget takes; every number is at least 1."""

    per_account_and_source: int
    per_source: int
    total: int
    window_seconds: int
    known_for_seconds: int = KNOWN_FOR_SECONDS

    def __post_init__(self) -> None:
        """A budget of nothing would lock everybody out: ValueError."""
        numbers = (self.per_account_and_source, self.per_source, self.total, self.window_seconds)
        if min(*numbers, self.known_for_seconds) < 1:
            raise ValueError(f"every budget of the login throttle is at least 1, got {self}")


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody is about to prove something: which account, from which source (an IP address as text)."""

    account: str
    source: str

    @property
    def pair_digest(self) -> str:
        """32 hex digits that stand for account and source."""
        account = unicodedata.normalize("NFKC", self.account).casefold()
        return _digest(f"pair\0{account}\0{_network_of(self.source)}")

    @property
    def source_digest(self) -> str:
        """32 hex digits that stand for the source."""
        return _digest(f"source\0{_network_of(self.source)}")


@dataclass(frozen=True, slots=True)
class Admitted:
    """Go on and check."""


@dataclass(frozen=True, slots=True)
class RateLimited:
    """Too many failures; nothing was checked. An attempt after `retry_after_seconds` (at least 1) is admitted."""

    retry_after_seconds: int


class LoginThrottle(Protocol):
    """The contract. Every method raises NoLoginWithoutThrottleError when its store does not answer."""

    async def admit(self, attempt: Attempt) -> Admitted | RateLimited:
        """May this be tried now? Counts nothing."""
        ...

    async def failed(self, attempt: Attempt) -> None:
        """It was tried and was wrong."""
        ...

    async def count(self, attempt: Attempt) -> Admitted | RateLimited:
        """`admit` and `failed` in one step: of tries under way at once, wherever, no more are admitted than fit.

        For what is quickly tried, or is a limit in itself.
        """
        ...

    async def take_back(self, attempt: Attempt) -> None:
        """What was counted was not wrong: it costs nothing, and nothing else is forgiven."""
        ...

    async def succeeded(self, attempt: Attempt) -> None:
        """It was right: the pair's debt is forgotten and the pair is known from now on; other debts stay."""
        ...

    async def close(self) -> None:
        """Let go of connections. May be called twice."""
        ...


@dataclass(frozen=True, slots=True)
class Budget:
    """One budget in milliseconds: what a failure adds, and how much debt still admits one more."""

    step_ms: int
    bound_ms: int
    longest_ms: int

    @classmethod
    def of(cls, failures: int, window_seconds: int) -> Budget:
        """`failures` in `window_seconds`."""
        window_ms = window_seconds * 1000
        step_ms = max(1, window_ms // failures)
        return cls(step_ms, window_ms - step_ms, window_ms * LONGEST_DEBT_WINDOWS)

    def wait_ms(self, debt_until_ms: int, now_ms: int) -> int:
        """How long until an attempt is admitted; 0: now."""
        return max(0, debt_until_ms - now_ms - self.bound_ms)

    def after_failure(self, debt_until_ms: int, now_ms: int) -> int:
        """When the debt is paid back, with one more failure in it."""
        return min(max(debt_until_ms, now_ms) + self.step_ms, now_ms + self.longest_ms)

    def after_taking_back(self, debt_until_ms: int) -> int:
        """When the debt is paid back, with one failure less in it."""
        return max(0, debt_until_ms - self.step_ms)


def limited(wait_ms: int) -> Admitted | RateLimited:
    """The answer for a wait in milliseconds: whole seconds, rounded up."""
    return RateLimited(-(-wait_ms // 1000)) if wait_ms > 0 else Admitted()


def _network_of(source: str) -> str:
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return "?"  # one budget for whatever has no address
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
