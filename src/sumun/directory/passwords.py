"""Passwords: how they are spelled, hashed, and checked. Computing only; whoever calls does it off the event loop.

Hashes are Argon2id PHC strings (RFC 9106, `$argon2id$v=19$m=...,t=...,p=...$salt$hash`), so the parameters travel with
each hash and the profile may move: `needs_rehash` says which hashes are of an older one.

A hash takes 20 ms of a core and 19 MiB, and lets go of the interpreter meanwhile. An account that does not exist, or
has no password here, takes as long as a wrong password: it is checked against a fixed hash of nobody's.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from sumun.directory.errors import InvalidPasswordError

MAX_PASSWORD_BYTES = (
    1024  # NIST SP 800-63B asks for 64 characters at least; beyond this it is an attack, not a password
)
# Bounds the work of normalising what a stranger sent. NFC shortens text or lengthens it up to three times (UAX 15).
_MAX_TYPED_BYTES = 4 * MAX_PASSWORD_BYTES
_SALT_BYTES = 16  # RFC 9106 section 3.1: recommended
_HASH_BYTES = 32
_PHC = re.compile(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)")
# Controls, lone surrogates, unassigned and private use, line and paragraph separators: nobody types them on purpose.
_UNTYPABLE = frozenset({"Cc", "Cs", "Cn", "Co", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Profile:
    """Argon2id parameters: memory in KiB, passes, lanes."""

    memory_kib: int
    passes: int
    lanes: int


OWASP = Profile(memory_kib=19 * 1024, passes=2, lanes=1)
"""OWASP Password Storage Cheat Sheet, Argon2id: "a minimum configuration of 19 MiB of memory, an iteration count of 2,
and 1 degree of parallelism"."""


def prepare(typed: str) -> bytes:
    """The password as it is hashed: the OpaqueString profile of RFC 8265 section 4.2, UTF-8, 1 to 1024 bytes.

    Non-ASCII spaces become U+0020, the text becomes NFC, upper and lower case stay. We refuse what its FreeformClass
    refuses of controls, surrogates, unassigned and private-use characters. Two deviations, both to let people keep
    the password they have: NFC comes before the check, so that Hangul typed as conjoining jamo is welcome, and joiners
    (emoji) are allowed anywhere.

    Raises InvalidPasswordError, whose sentence never quotes the password.
    """
    try:
        if len(typed.encode()) > _MAX_TYPED_BYTES:
            raise InvalidPasswordError(
                f"a password has at most {MAX_PASSWORD_BYTES} bytes; this one has more"
            )
    except UnicodeEncodeError:
        raise InvalidPasswordError(
            "the password is not valid Unicode text; check the terminal's encoding"
        ) from None
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in typed)
    text = unicodedata.normalize("NFC", spaced)
    if any(unicodedata.category(c) in _UNTYPABLE for c in text):
        raise InvalidPasswordError(
            "the password has a control character or one that no Unicode version we know has"
        )
    password = text.encode()
    if not 1 <= len(password) <= MAX_PASSWORD_BYTES:
        raise InvalidPasswordError(
            f"a password has 1 to {MAX_PASSWORD_BYTES} bytes; this one has {len(password)}"
        )
    return password


class PasswordHasher:
    """Hashes and checks with one profile. Stateless after its making; safe to use from several threads."""

    def __init__(self, profile: Profile = OWASP) -> None:
        """Makes the hash of nobody's password, so this takes as long as one hash."""
        self.profile = profile
        self.nobodys_hash = self._hash(secrets.token_bytes(_HASH_BYTES))

    def hash(self, typed: str) -> str:
        """A PHC string with a fresh salt. Raises InvalidPasswordError."""
        return self._hash(prepare(typed))

    def verify(self, password_hash: str | None, typed: str) -> bool:
        """True when `typed` is the password of `password_hash`; None (no account, no password here) is never right.

        Always one hash of work: for None too, for a text that cannot be a password, for a hash that cannot be read.
        """
        try:
            password = prepare(typed)
        except InvalidPasswordError:
            password, password_hash = b"\0", None  # no password has a control character
        readable = password_hash is not None and _PHC.fullmatch(password_hash) is not None
        checked = password_hash if password_hash is not None and readable else self.nobodys_hash
        try:
            Argon2id.verify_phc_encoded(password, checked)
        except InvalidKey:
            return False
        return readable

    def needs_rehash(self, password_hash: str) -> bool:
        """True when the hash is not of this profile: hash the password anew at the next right login."""
        match = _PHC.fullmatch(password_hash)
        if match is None:
            return True
        return Profile(int(match[1]), int(match[2]), int(match[3])) != self.profile

    def _hash(self, password: bytes) -> str:
        argon2 = Argon2id(
            salt=secrets.token_bytes(_SALT_BYTES),
            length=_HASH_BYTES,
            iterations=self.profile.passes,
            lanes=self.profile.lanes,
            memory_cost=self.profile.memory_kib,
        )
        return argon2.derive_phc_encoded(password)
