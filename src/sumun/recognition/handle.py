"""Handle: what is needed to judge a credential again, without the credential.

Whoever holds a handle can ask what it proves now; nobody can call with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from sumun.tokens.jwt import AccessClaims


@dataclass(frozen=True, slots=True)
class OpaqueHandle:
    """Of an opaque token: the SHA-256 digest (32 bytes) by which the store knows it."""

    digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClaimsHandle:
    """Of a JWT whose signature held: what it says, and the key that signed it."""

    claims: AccessClaims
    key_id: str


@dataclass(frozen=True, slots=True)
class SessionHandle:
    """Of a browser session: the SHA-256 digest (32 bytes) of its cookie."""

    digest: bytes = field(repr=False)


Handle: TypeAlias = OpaqueHandle | ClaimsHandle | SessionHandle


class OfOpaque(msgspec.Struct, frozen=True, array_like=True, tag="o"):
    """An OpaqueHandle as it travels."""

    handle: OpaqueHandle


class OfClaims(msgspec.Struct, frozen=True, array_like=True, tag="c"):
    """A ClaimsHandle as it travels."""

    handle: ClaimsHandle


class OfSession(msgspec.Struct, frozen=True, array_like=True, tag="s"):
    """A SessionHandle as it travels."""

    handle: SessionHandle


Tagged: TypeAlias = OfOpaque | OfClaims | OfSession


def tagged(handle: Handle) -> Tagged:
    """The handle, saying which it is."""
    match handle:
        case OpaqueHandle():
            return OfOpaque(handle)
        case ClaimsHandle():
            return OfClaims(handle)
        case SessionHandle():
            return OfSession(handle)
