"""TokenRecord: what the gateway remembers of a token it issued; the stored shape and its version."""

from __future__ import annotations

from msgspec import Struct

from sumun.identity import Permission, Subject

# The stored shape may grow by fields with a default; anything else takes a new version, and readers keep reading the
# old. A record that narrows where or by whom its token may be used is of version 2: an older sumun, which would not
# look at that, is not to read it.
RECORD_VERSION = 1
NARROWED_RECORD_VERSION = 2


class TokenRecord(Struct, frozen=True):
    """One opaque access token, without the token.

    token_id      public handle, safe in logs and headers (`tid_...`)
    own_rights    False: roles and permissions follow the subject as it is now; True: `roles` and `permissions` below
                  are the token's own and are edited in place
    scopes        cut everything down (`*:*` = everything); empty only beside `openid`: then it may do nothing else
    login_epoch   the subject's login epoch at issue; a newer one (password changed, disabled) ends the token
    issued_at_ms, expires_at_ms   unix milliseconds
    openid        words of OpenID Connect that were granted (`identity.scope`)
    session_id    the browser session in which it was issued (`sid_...`), or empty
    grant_id      what the person allowed the client (`grt_...`), or empty
    audience      the services that it is for (RFC 8707); empty: the whole gateway
    bound_to      what its bearer has to prove: `jkt:...` (RFC 9449 6), `x5t#S256:...` (RFC 8705 3.1), or empty
    family_id     the refresh tokens that it goes with (`fam_...`), or empty
    actor         who acts for the subject (RFC 8693 4.1), as the text of a Subject, or empty
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
    openid: frozenset[str] = frozenset()
    session_id: str = ""
    grant_id: str = ""
    audience: frozenset[str] = frozenset()
    bound_to: str = ""
    actor: str = ""
    family_id: str = ""
