"""What the directory's tests share: who changes what, and when."""

from __future__ import annotations

from sumun.access import TokenKind
from sumun.config.plan import ClientKind
from sumun.directory import Held, NewKey, NewUser, Occasion, OutsidePerson, RegisteredClient
from sumun.identity import Permission

NOW_MS = 1_800_000_000_000
CLAIMS_SECONDS = 900
LEEWAY_MS = 60_000
NOW = Occasion("cli:root", NOW_MS, CLAIMS_SECONDS)
DENIED_UNTIL_MS = NOW_MS + CLAIMS_SECONDS * 1000 + LEEWAY_MS

CONFIGURED = frozenset({"Shop-App"})


def at(ms_later: int) -> Occasion:
    """The same person, later."""
    return Occasion("cli:root", NOW_MS + ms_later, CLAIMS_SECONDS)


def held(*words: str) -> Held:
    """`resource:action` is a permission, a word without a colon a role."""
    return Held(
        frozenset(word for word in words if ":" not in word),
        frozenset(Permission.parse(word) for word in words if ":" in word),
    )


def person(
    name: str, *words: str, shown: str = "", password_hash: str | None = "$argon2id$of-nobody"
) -> NewUser:
    """A local account."""
    return NewUser(name, shown or name, "local", held(*words), password_hash)


def outsider(name: str, *words: str, source: str = "staff", shown: str = "") -> OutsidePerson:
    """What an authenticator says."""
    return OutsidePerson(source, name, shown or name, held(*words))


def key(kid: str, alg: str = "ES256") -> NewKey:
    """A key; the directory does not look into it."""
    return NewKey(kid, alg, f'{{"kid":"{kid}"}}', f'{{"kid":"{kid}","d":"secret of {kid}"}}')


def client(client_id: str, **fields: object) -> RegisteredClient:
    """A confidential client for client_credentials."""
    words = {
        "kind": ClientKind.CONFIDENTIAL,
        "grants": frozenset({"client_credentials"}),
        "secret_sha256": bytes(range(32)),
        "first_party": False,
        "login": (),
        "scopes": frozenset({Permission.parse("order:*"), Permission.parse("role:user")}),
        "roles": frozenset({"user"}),
        "permissions": frozenset({Permission.parse("order:read")}),
        "token_kind": TokenKind.OPAQUE,
        "token_lifetime_seconds": 900,
        "redirect_uris": (),
    }
    return RegisteredClient(id=client_id, **{**words, **fields})  # type: ignore[arg-type]
