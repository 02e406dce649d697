"""What every Authenticator keeps. A suite for one of them: a class that says how to open it and how to break it.

class TestMine(AuthenticatorContract):
    def open(self): ...                      # async context manager: an authenticator with the people below
    async def break_it(self, authenticator)  # from now on it cannot judge anybody

People: dave with the password RIGHT; eve, disabled, with the same password; nobody else.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest

from sumun.errors import OutageError
from sumun.login.authenticator import (
    Authenticator,
    Identified,
    NotMine,
    PasswordProof,
    Rejected,
    RejectedBecause,
)
from tests.contracts.in_loop import in_loop

RIGHT = "열려라 참깨: 100% & +!"


def proof(login: str, password: str) -> PasswordProof:
    """What a client offers."""
    return PasswordProof(login, password, "shop-app", "192.0.2.1", "r-1")


class AuthenticatorContract:
    """The suite."""

    def open(self) -> AbstractAsyncContextManager[Authenticator]:
        raise NotImplementedError

    async def break_it(self, authenticator: Authenticator) -> None:
        raise NotImplementedError

    @in_loop
    async def test_right(self, authenticator: Authenticator) -> None:
        """Who has the right password is identified by the account's id, and by whom."""
        outcome = await authenticator.prove(proof("dave", RIGHT))
        assert isinstance(outcome, Identified)
        assert (outcome.user_id, outcome.authenticator) == ("dave", authenticator.name)

    @in_loop
    async def test_wrong(self, authenticator: Authenticator) -> None:
        """Any other password is rejected: another, nearly the same, a very long one, one with a NUL."""
        for password in ("wrong", RIGHT + " ", RIGHT[:-1], "x" * 60_000, "\0", "\ud7ff\U0010fffd"):
            outcome = await authenticator.prove(proof("dave", password))
            assert isinstance(outcome, Rejected)
            assert outcome.because is RejectedBecause.BAD_CREDENTIALS

    @in_loop
    async def test_unknown(self, authenticator: Authenticator) -> None:
        """Whoever is not known here is left to the next in the chain, whatever was typed."""
        for login in ("nobody", "dave2", "", "영희", "da ve", "../dave", "dave\n", "x" * 5000, "' OR 1=1 --"):
            assert isinstance(await authenticator.prove(proof(login, RIGHT)), NotMine)

    @in_loop
    async def test_disabled(self, authenticator: Authenticator) -> None:
        """That an account is disabled is said to who has its password, and to nobody else."""
        right = await authenticator.prove(proof("eve", RIGHT))
        wrong = await authenticator.prove(proof("eve", "wrong"))
        assert isinstance(right, Rejected)
        assert isinstance(wrong, Rejected)
        assert (right.because, wrong.because) == (RejectedBecause.DISABLED, RejectedBecause.BAD_CREDENTIALS)

    @in_loop
    async def test_an_outage_is_raised(self, authenticator: Authenticator) -> None:
        """One that cannot judge raises OutageError for everybody, and its sentence holds no password."""
        await self.break_it(authenticator)
        for login in ("dave", "eve", "nobody"):
            with pytest.raises(OutageError) as error:
                await authenticator.prove(proof(login, RIGHT))
            assert RIGHT not in str(error.value)

    @in_loop
    async def test_many_at_once(self, authenticator: Authenticator) -> None:
        """Proofs that are judged together do not disturb each other."""
        offered = [proof("dave", RIGHT if number % 2 else "wrong") for number in range(20)]
        outcomes = await asyncio.gather(*map(authenticator.prove, offered))
        assert [isinstance(outcome, Identified) for outcome in outcomes] == [bool(n % 2) for n in range(20)]

    @in_loop
    async def test_closing_twice(self, authenticator: Authenticator) -> None:
        """Closing may happen twice."""
        await authenticator.close()
        await authenticator.close()
