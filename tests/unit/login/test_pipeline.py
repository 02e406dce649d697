"""Chains ask in order, and everybody who does not get in takes the same work."""

from __future__ import annotations

import asyncio
import logging

import pytest

from sumun.login.authenticator import (
    AuthenticatorUnavailableError,
    Identified,
    NotMine,
    Outcome,
    PasswordProof,
    Rejected,
    RejectedBecause,
)
from sumun.login.errors import LoginBusyError
from sumun.login.pipeline import LoginChain, Logins, ThrottledLogin
from sumun.login.throttle import Budgets, RateLimited
from sumun.login.throttle_memory import MemoryLoginThrottle

PROOF = PasswordProof("alice", "secret", "shop-app", "192.0.2.1", "r-1")
IDENTIFIED = Identified("alice", "one", 3)
BAD = Rejected(RejectedBecause.BAD_CREDENTIALS, "alice")
OWES = NotMine(owes_a_verification=True)


class Scripted:
    """An authenticator that gives these answers, or raises them."""

    def __init__(self, name: str, outcome: Outcome | Exception) -> None:
        self.name = name
        self.outcome = outcome
        self.asked = 0

    async def prove(self, proof: PasswordProof) -> Outcome:
        self.asked += 1
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    async def close(self) -> None:
        pass


class Bill:
    """What a chain paid."""

    def __init__(self, busy: bool = False) -> None:
        self.paid: list[str] = []
        self.busy = busy

    async def __call__(self, password: str) -> None:
        if self.busy:
            raise LoginBusyError("full", 1)
        self.paid.append(password)


def chain(*outcomes: Outcome | Exception, bill: Bill | None = None) -> tuple[LoginChain, list[Scripted]]:
    """A chain of authenticators with these outcomes."""
    each = [Scripted(f"a{number}", outcome) for number, outcome in enumerate(outcomes)]
    return LoginChain(each, bill or Bill()), each


@pytest.mark.parametrize(
    ("outcomes", "outcome", "asked"),
    [
        ([IDENTIFIED, BAD], IDENTIFIED, [1, 0]),
        ([NotMine(), IDENTIFIED], IDENTIFIED, [1, 1]),
        ([BAD, IDENTIFIED], BAD, [1, 0]),
        ([NotMine(), BAD, IDENTIFIED], BAD, [1, 1, 0]),
        ([OWES, NotMine()], Rejected(RejectedBecause.BAD_CREDENTIALS), [1, 1]),
    ],
)
def test_first_who_knows_ends_it(outcomes: list[Outcome], outcome: Outcome, asked: list[int]) -> None:
    """The order is the file's; the first answer that is not NotMine counts, and nobody after it is asked."""
    one, each = chain(*outcomes)
    assert asyncio.run(one.prove(PROOF)) == outcome
    assert [authenticator.asked for authenticator in each] == asked


@pytest.mark.parametrize(
    ("outcomes", "paid"),
    [
        ([OWES], 1),
        ([OWES, OWES, OWES], 1),
        ([OWES, NotMine(), OWES], 1),
        ([OWES, IDENTIFIED], 1),
        ([NotMine(), NotMine()], 0),
        ([BAD], 0),
        ([IDENTIFIED], 0),
    ],
)
def test_an_unknown_account_costs_one_verification(outcomes: list[Outcome], paid: int) -> None:
    """What was owed is paid once, however many authenticators would have verified, and whatever comes after."""
    bill = Bill()
    asyncio.run(chain(*outcomes, bill=bill)[0].prove(PROOF))
    assert bill.paid == ["secret"] * paid


def test_it_is_paid_before_the_next_is_asked() -> None:
    """What the next authenticator does is no sign of whether the account was known to the first."""
    bill = Bill(busy=True)
    one, each = chain(OWES, IDENTIFIED, bill=bill)
    with pytest.raises(LoginBusyError):
        asyncio.run(one.prove(PROOF))
    assert each[1].asked == 0


def test_an_outage_is_never_an_answer() -> None:
    """An authenticator that cannot judge ends the chain with its error; one that was not needed does not matter."""
    outage = AuthenticatorUnavailableError("down")
    with pytest.raises(AuthenticatorUnavailableError):
        asyncio.run(chain(NotMine(), outage, IDENTIFIED)[0].prove(PROOF))
    assert asyncio.run(chain(IDENTIFIED, outage)[0].prove(PROOF)) == IDENTIFIED


def test_a_chain_of_nobody() -> None:
    """An empty chain is a mistake of who builds it."""
    with pytest.raises(ValueError, match="at least one"):
        LoginChain([], Bill())


def throttled(*outcomes: Outcome | Exception, failures: int = 2) -> tuple[ThrottledLogin, list[Scripted]]:
    """The same behind a throttle."""
    one, each = chain(*outcomes)
    return ThrottledLogin(one, MemoryLoginThrottle(Budgets(failures, 100, 100, 300), lambda: 0.0)), each


def test_the_throttle_stands_before_the_chain() -> None:
    """When the budget is used up nobody is asked."""
    login, each = throttled(BAD)
    outcomes = [asyncio.run(login.prove(PROOF)) for _ in range(4)]
    assert outcomes[:2] == [BAD, BAD]
    assert all(isinstance(outcome, RateLimited) for outcome in outcomes[2:])
    assert each[0].asked == 2


def test_outages_do_not_count() -> None:
    """A server that is down uses up nobody's budget."""
    login, _ = throttled(AuthenticatorUnavailableError("down"), failures=1)
    for _ in range(3):
        with pytest.raises(AuthenticatorUnavailableError):
            asyncio.run(login.prove(PROOF))


def test_what_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Each outcome is one line that names account, client, source and request, and nothing of the proof."""
    with caplog.at_level(logging.INFO):
        for outcome in (IDENTIFIED, BAD, Rejected(RejectedBecause.BAD_CREDENTIALS)):
            asyncio.run(throttled(outcome)[0].prove(PROOF))
    about = "client=shop-app source=192.0.2.1 request=r-1"
    assert [record.message for record in caplog.records] == [
        f"login: user=alice by=one {about}",
        f"login rejected: user=alice because=bad_credentials {about}",
        f"login rejected: user=? because=bad_credentials {about}",
    ]
    assert "secret" not in repr(PROOF)


def test_logins_of_clients() -> None:
    """A client's list becomes its chain, in its order, once; an empty list or an unknown name is no login."""
    each = {name: Scripted(name, outcome) for name, outcome in (("one", OWES), ("two", IDENTIFIED))}
    logins = Logins(each, MemoryLoginThrottle(Budgets(9, 9, 9, 9), lambda: 0.0), Bill())
    login = logins.login_for(("two", "one"))
    assert login is not None
    assert asyncio.run(login.prove(PROOF)) == IDENTIFIED
    assert each["one"].asked == 0
    assert logins.login_for(("two", "one")) is login
    assert logins.login_for(()) is None
    assert logins.login_for(("one", "three")) is None
