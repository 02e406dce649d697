"""Errors of login. A wrong password is a value (`Rejected`), never one of these.

SumunError
├── OutageError                         the caller answers 503
│   ├── AuthenticatorUnavailableError   an authenticator could not judge (in `authenticator`, with the contract)
│   ├── LoginBusyError                  every place for checking a password is taken
│   └── NoLoginWithoutThrottleError     the throttle's store does not answer: nobody is let in unthrottled
├── UnusableSecretError                 a shared secret cannot be sent: the start stops
└── UnusableCertificatesError           the certificates to be trusted cannot be read: the start stops
"""

from __future__ import annotations

from typing import ClassVar

from sumun.errors import OutageError, SumunError


class LoginBusyError(OutageError):
    """Every place for checking a password is taken. Nothing is known of the password; come back later."""

    code: ClassVar[str] = "login_busy"

    def __init__(self, sentence: str, retry_after_seconds: int) -> None:
        """`retry_after_seconds` is a hint of at least 1."""
        super().__init__(sentence)
        self.retry_after_seconds = retry_after_seconds


class NoLoginWithoutThrottleError(OutageError):
    """The store behind the login throttle did not answer. Logins fail (503) rather than go on unthrottled."""

    code: ClassVar[str] = "login_throttle_unavailable"


class UnusableSecretError(SumunError):
    """The secret that is shared with an authentication server cannot be sent in a header. Make another one."""

    code: ClassVar[str] = "unusable_secret"
    exit_code: ClassVar[int] = 2


class UnusableCertificatesError(SumunError):
    """The file of certificates that an authentication server is to be trusted by cannot be read. Mend `ca_file`."""

    code: ClassVar[str] = "unusable_certificates"
    exit_code: ClassVar[int] = 2
