"""Every event that is written down for people. Add a class here, a line in docs/audit.md, and nothing else.

`name` is stable: reports and searches read it. `about` says who or what the event is about, in one word that can be
searched: `user:alice`, `client:batch`, `key:KID`, `token:TOKEN_ID`, `session:SID`. Every other field is the detail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

Detail = str | int | bool | list[str] | None


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something that happened. Never holds a secret: neither a token nor a password, a hash or a private key."""

    name: ClassVar[str]
    about: str

    def detail(self) -> dict[str, Detail]:
        """The fields beside `about`, ready for JSON; sets become sorted lists of their text forms."""
        told = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "about"}
        return {
            key: sorted(map(str, value)) if isinstance(value, frozenset) else value
            for key, value in told.items()
        }


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An event as it was written down. `number` only says the order; `at_ms` is unix milliseconds."""

    number: int
    at_ms: int
    event: str
    actor: str
    about: str
    detail: Mapping[str, Detail]


@dataclass(frozen=True, slots=True)
class UserAdded(AuditEvent):
    """An account was made. `source` is `local` or the authenticator that vouches for the person."""

    name = "user_added"
    source: str
    display_name: str
    roles: frozenset[str]
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class UserRenamed(AuditEvent):
    """The display name of a person changed. The account name never does."""

    name = "user_renamed"
    display_name: str


@dataclass(frozen=True, slots=True)
class RightsGranted(AuditEvent):
    """Roles or permissions were given. `origin` is `local` (an operator) or the authenticator that said so."""

    name = "rights_granted"
    origin: str
    roles: frozenset[str]
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class RightsWithdrawn(AuditEvent):
    """Roles or permissions were taken away."""

    name = "rights_withdrawn"
    origin: str
    roles: frozenset[str]
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class UserDisabled(AuditEvent):
    """A person may not log in any more, and every login ended."""

    name = "user_disabled"


@dataclass(frozen=True, slots=True)
class UserEnabled(AuditEvent):
    """A person may log in again. What was ended stays ended."""

    name = "user_enabled"


@dataclass(frozen=True, slots=True)
class PasswordChanged(AuditEvent):
    """A new password was set, and every earlier login ended."""

    name = "password_changed"


@dataclass(frozen=True, slots=True)
class PasswordRehashed(AuditEvent):
    """The same password was hashed anew because the profile moved. Nobody's rights changed."""

    name = "password_rehashed"


@dataclass(frozen=True, slots=True)
class LoginsEnded(AuditEvent):
    """Every login of a person or program so far ended ("log out everywhere")."""

    name = "logins_ended"


@dataclass(frozen=True, slots=True)
class ClientRegistered(AuditEvent):
    """An OAuth client was registered at run time."""

    name = "client_registered"
    kind: str
    grants: frozenset[str]
    scopes: frozenset[str]
    roles: frozenset[str]
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class ClientChanged(AuditEvent):
    """Settings of a client changed; `fields` names them. `lowered` says that something was taken away."""

    name = "client_changed"
    fields: frozenset[str]
    lowered: bool


@dataclass(frozen=True, slots=True)
class ClientDisabled(AuditEvent):
    """A client may not be used any more, and what it held for itself ended."""

    name = "client_disabled"


@dataclass(frozen=True, slots=True)
class ClientEnabled(AuditEvent):
    """A client may be used again."""

    name = "client_enabled"


@dataclass(frozen=True, slots=True)
class ClientSecretRotated(AuditEvent):
    """A client has a new secret, and what the old one had obtained for the client itself ended."""

    name = "client_secret_rotated"


@dataclass(frozen=True, slots=True)
class KeyAdded(AuditEvent):
    """A signing key was made. `state` is `published` (known to verifiers, not used yet) or `active`."""

    name = "key_added"
    algorithm: str
    state: str


@dataclass(frozen=True, slots=True)
class KeyActivated(AuditEvent):
    """A key signs from now on; the one before it is only published until its tokens have expired."""

    name = "key_activated"
    before: frozenset[str]


@dataclass(frozen=True, slots=True)
class KeyRetired(AuditEvent):
    """A key is believed no more, and its private part was erased."""

    name = "key_retired"


@dataclass(frozen=True, slots=True)
class TokenIssued(AuditEvent):
    """An operator issued a token by hand. `kind` is `opaque` or `jwt`; `own_rights`: not those of its subject."""

    name = "token_issued"
    kind: str
    subject: str
    client: str
    scopes: frozenset[str]
    own_rights: bool
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class TokenRevoked(AuditEvent):
    """One token was revoked. `kind` is `opaque` or `jwt`."""

    name = "token_revoked"
    kind: str


@dataclass(frozen=True, slots=True)
class TokenEdited(AuditEvent):
    """One opaque token carries these rights of its own from now on."""

    name = "token_edited"
    roles: frozenset[str]
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class SessionEnded(AuditEvent):
    """A browser was logged out, on every host; what was issued in its session ended with it."""

    name = "session_ended"


@dataclass(frozen=True, slots=True)
class GrantAllowed(AuditEvent):
    """A person let a client do this, as a whole: what was let before is in it."""

    name = "grant_allowed"
    grant: str
    client: str
    scopes: frozenset[str]
    openid: frozenset[str]


@dataclass(frozen=True, slots=True)
class GrantNarrowed(AuditEvent):
    """Some of what a person let a client do was taken back; this is what is left."""

    name = "grant_narrowed"
    grant: str
    client: str
    scopes: frozenset[str]
    openid: frozenset[str]


@dataclass(frozen=True, slots=True)
class GrantWithdrawn(AuditEvent):
    """A person lets a client do nothing any more: its tokens and refresh tokens for this person ended."""

    name = "grant_withdrawn"
    grant: str
    client: str


@dataclass(frozen=True, slots=True)
class RefreshEnded(AuditEvent):
    """The refresh tokens of one login through a client ended, with their access tokens.

    `reason`: `revoked` (the client gave one back), `replayed` (one was used twice, or its authorization code was),
    `logged_out` (the person logged the client out).
    """

    name = "refresh_ended"
    family: str
    client: str
    reason: str


EVENTS: Mapping[str, type[AuditEvent]] = {
    event.name: event
    for event in (
        UserAdded,
        UserRenamed,
        RightsGranted,
        RightsWithdrawn,
        UserDisabled,
        UserEnabled,
        PasswordChanged,
        PasswordRehashed,
        LoginsEnded,
        ClientRegistered,
        ClientChanged,
        ClientDisabled,
        ClientEnabled,
        ClientSecretRotated,
        KeyAdded,
        KeyActivated,
        KeyRetired,
        TokenIssued,
        TokenRevoked,
        TokenEdited,
        SessionEnded,
        GrantAllowed,
        GrantNarrowed,
        GrantWithdrawn,
        RefreshEnded,
    )
}
