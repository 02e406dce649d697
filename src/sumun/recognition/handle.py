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


Handle: TypeAlias = OpaqueHandle | ClaimsHandle


class OfOpaque(msgspec.Struct, frozen=True, array_like=True, tag="o"):
    """An OpaqueHandle as it travels."""

    handle: OpaqueHandle


class OfClaims(msgspec.Struct, frozen=True, array_like=True, tag="c"):
    """A ClaimsHandle as it travels."""

    handle: ClaimsHandle


def tagged(handle: Handle) -> OfOpaque | OfClaims:
    """The handle, saying which it is."""
    return OfOpaque(handle) if isinstance(handle, OpaqueHandle) else OfClaims(handle)
