"""Authenticator: one way to prove who you are.

Three answers, not two: NotMine (ask the next in the chain), Rejected(reason) (the chain ends), Identified (the chain
ends). Trouble of any other sort (an authentication server that is down, slow, or talks nonsense) is raised as
AuthenticatorUnavailableError and is never "wrong password". An authenticator only says who; it cannot issue.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Protocol

from sumun.errors import OutageError


@dataclass(frozen=True, slots=True)
class PasswordProof:
    """What a client offers with the password grant. The password never shows in repr.

    `source` is the caller's address as HAProxy saw it; `request_id` ties log lines together.
    """

    login: str
    password: str = field(repr=False)
    client_id: str = ""
    source: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class NotMine:
    """This authenticator does not know the account; the next one is asked.

    `owes_a_verification`: for an account it knew it would have verified a password hash, and here it has not. The
    chain pays, once (see `pipeline`), so that an unknown account takes as long as a known one.
    """

    owes_a_verification: bool = False


class RejectedBecause(StrEnum):
    """Why a proof was refused. The caller hears one word for all of them; the audit record keeps this one."""

    BAD_CREDENTIALS = "bad_credentials"
    DISABLED = "disabled"
    EXPIRED = "expired"
    NAME_TAKEN = "name_taken"
    """The proof is good at an outside authenticator, and the name it gives belongs to somebody else here."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The proof is not good. The chain ends here. `user_id` is the account's id, for the log, when it is known."""

    because: RejectedBecause
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class Identified:
    """Who it is. `user_id` is the account's id in the directory (an outside account was linked to one before).

    `login_epoch` is the account's as it was read together with what proved the password. Who issues a token compares
    it with the standing read afterwards: if it moved, the password was changed (or the login ended) in between, and
    what was proved is not true any more. None: the proof rests on nothing of our directory.
    """

    user_id: str
    authenticator: str
    login_epoch: int | None = None


Outcome = NotMine | Rejected | Identified


class AuthenticatorUnavailableError(OutageError):
    """An authenticator could not answer. Nothing is known of the password: the caller hears 503, never "wrong"."""

    code: ClassVar[str] = "authenticator_unavailable"


class Authenticator(Protocol):
    """The contract. Implementations are found by kind through the plug-in catalogue."""

    name: str

    async def prove(self, proof: PasswordProof) -> Outcome:
        """Judge one proof. Raises AuthenticatorUnavailableError."""
        ...

    async def close(self) -> None:
        """Let go of what it holds. May be called twice, and after a failed start."""
        ...
