"""What can go wrong with the directory.

SumunError
├── OutageError
│   └── DirectoryUnavailableError   the database did not do it: nothing is known, the caller answers 503
│       └── DirectoryUnusableError  the database is there and is not one that this sumun may use: the start stops
└── DirectoryRefusedError           the directory is well and says no
    ├── UnknownUserError, UserExistsError, UserFromElsewhereError, HeldFromElsewhereError
    ├── UnknownClientError, ClientExistsError, NameTakenError
    ├── UnknownKeyError, KeyStateError
    └── InvalidNameError, InvalidPasswordError

Every sentence is for the operator: what, where, what to do. None holds a password, a hash, a token or a database URL's
password, and none quotes what the database says of the rows it was given.
"""

from __future__ import annotations

from typing import ClassVar

from sumun.errors import OutageError, SumunError


class DirectoryUnavailableError(OutageError):
    """The database was not reached, was busy for too long, is full or broken. `str()` says which, and what helps."""

    code: ClassVar[str] = "directory_unavailable"


class DirectoryUnusableError(DirectoryUnavailableError):
    """The place is wrong, or what is there is not ours or was written by a newer sumun. Nothing was changed in it."""

    code: ClassVar[str] = "directory_unusable"


class DirectoryRefusedError(SumunError):
    """The directory says no; nothing was changed."""

    code: ClassVar[str] = "directory_refused"


class UnknownUserError(DirectoryRefusedError):
    """There is no account of that name."""

    code: ClassVar[str] = "unknown_user"


class UserExistsError(DirectoryRefusedError):
    """The account name is taken by another account. Accounts are never deleted, so it stays taken."""

    code: ClassVar[str] = "user_exists"


class UserFromElsewhereError(DirectoryRefusedError):
    """An account belongs to another source than the one that speaks for it."""

    code: ClassVar[str] = "user_from_elsewhere"


class HeldFromElsewhereError(DirectoryRefusedError):
    """A role or permission was given by an outside authenticator and would be back at the next login."""

    code: ClassVar[str] = "held_from_elsewhere"


class UnknownClientError(DirectoryRefusedError):
    """There is no registered client of that id. (Clients of the configuration file are not in the directory.)"""

    code: ClassVar[str] = "unknown_client"


class ClientExistsError(DirectoryRefusedError):
    """The client id is taken, by a registered client or by one of the configuration file."""

    code: ClassVar[str] = "client_exists"


class NameTakenError(DirectoryRefusedError):
    """A person may not have the name of a client, nor the reverse."""

    code: ClassVar[str] = "name_taken"


class UnknownKeyError(DirectoryRefusedError):
    """There is no signing key of that id."""

    code: ClassVar[str] = "unknown_key"


class KeyStateError(DirectoryRefusedError):
    """A signing key cannot go from its state to the wanted one."""

    code: ClassVar[str] = "key_state"


class InvalidNameError(DirectoryRefusedError):
    """A text cannot be an account name, a display name, a role or a permission that someone holds."""

    code: ClassVar[str] = "invalid_name"
    exit_code: ClassVar[int] = 2


class InvalidPasswordError(DirectoryRefusedError):
    """A text cannot be a password."""

    code: ClassVar[str] = "invalid_password"
    exit_code: ClassVar[int] = 2
