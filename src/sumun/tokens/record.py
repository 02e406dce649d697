"""TokenRecord: what the gateway remembers of a token it issued; the stored shape and its version."""

from __future__ import annotations

from msgspec import Struct

from sumun.identity import Permission, Subject

# The stored shape may grow by fields with a default; anything else takes a new version, and readers keep reading the
# old.
RECORD_VERSION = 1


class TokenRecord(Struct, frozen=True):
    """One opaque access token, without the token.

    token_id      public handle, safe in logs and headers (`tid_...`)
    own_rights    False: roles and permissions follow the subject as it is now; True: `roles` and `permissions` below
                  are the token's own and are edited in place
    scopes        cut everything down; never empty (`*:*` = everything)
    login_epoch   the subject's login epoch at issue; a newer one (password changed, disabled) ends the token
    issued_at_ms, expires_at_ms   unix milliseconds
    """

    token_id: str
    subject: Subject
    client_id: str
    scopes: frozenset[Permission]
    issued_at_ms: int
    expires_at_ms: int
    login_epoch: int
    own_rights: bool = False
    roles: frozenset[str] = frozenset()
    permissions: frozenset[Permission] = frozenset()
    note: str = ""
