"""The OAuth server with real parts of ours in one process: SQLite in a folder, the token store in memory, no socket.

async with oauth_server(folder) as server:
    answer = await server.post("/oauth/token", {"grant_type": ...}, basic=("batch", "secret"))
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

from sumun.access import TokenKind
from sumun.changes import Changes
from sumun.config.plan import (
    DEVICE_CODE,
    TOKEN_EXCHANGE,
    CertificateBy,
    Client,
    ClientKind,
    KnownCertificates,
    RefreshSettings,
    SecretRef,
    Sentence,
    TokenSettings,
)
from sumun.directory import (
    DenialKind,
    Directory,
    DirectoryThreads,
    Held,
    NewKey,
    NewUser,
    Occasion,
    RegisteredClient,
)
from sumun.directory.passwords import PasswordHasher, Profile
from sumun.errors import OutageError
from sumun.identity import ANYTHING, Permission
from sumun.login.authenticator import Authenticator
from sumun.login.password import PasswordAuthenticator, pay_verification
from sumun.login.password_threads import PasswordThreads
from sumun.login.pipeline import Logins
from sumun.login.throttle import Budgets
from sumun.login.throttle_memory import MemoryLoginThrottle
from sumun.node.directory.truth import DirectoryTruth
from sumun.oauth.account.people import AccountReader
from sumun.oauth.app import OAuthApp
from sumun.oauth.authorize.remembered import RememberedConsents
from sumun.oauth.back_channel import BackChannel
from sumun.oauth.clients import as_registered, find_client
from sumun.oauth.configured import Configured
from sumun.oauth.grants.refreshing import RefreshTokens
from sumun.oauth.server import OAuthParts, oauth_app
from sumun.oauth.standings import RememberedStandings
from sumun.oauth.strangers import Strangers
from sumun.recognition import Memory, NewsReader, Recogniser, steady_seconds
from sumun.recognition.handshake_tickets import HandshakeTickets
from sumun.recognition.possession import possession_by
from sumun.recognition.truth import ConfiguredFirst
from sumun.sessions import Sessions
from sumun.sessions.farewells_memory import MemoryFarewells
from sumun.sessions.store_memory import MemorySessions
from sumun.tokens.batching import BatchingReader
from sumun.tokens.signing_keys import KeyRing, SigningKey
from sumun.tokens.stores.memory import MemoryStore
from sumun.tokens.stores.memory_ephemeral import MemoryEphemeral
from sumun.tokens.stores.memory_feed import MemoryFeed
from sumun.tokens.stores.memory_tickets import MemoryTickets
from tests.certificates import Certificate
from tests.unit.login.key_sets import nothing_fetched
from tests.unit.tokens.proofs import key_for

ISSUER = "https://gw.example.com"
AUDIENCE = "https://gw.example.com/api"
SETTINGS = TokenSettings(ISSUER, AUDIENCE, 900, 600, "ES256", 60, origins=(ISSUER,))
RESOURCES = frozenset({"https://shop.example", "https://orders.example"})
BUDGETS = Budgets(per_account_and_source=3, per_source=20, total=100, window_seconds=300)
WAITING = Budgets(per_account_and_source=100, per_source=100, total=10_000, window_seconds=1200)
BUNDLES = {
    "admin": frozenset({Permission("product", "*")}),
    "user": frozenset({Permission("product", "read")}),
}
VOCABULARY = {
    "product:create": Sentence("Add products"),
    "product:read": Sentence("See products", {"ko": "상품 보기"}),
    "order:create": Sentence("Place orders"),
    "order:read": Sentence("See orders", {"ko": "주문 내역 보기"}),
}
# Weak on purpose: a test logs in many times.
QUICK = Profile(memory_kib=8, passes=1, lanes=1)

SECRETS = {
    "batch": "batch-secret",
    "reports": "reports-secret",
    "orders": "orders-secret",
    "middle": "middle-secret",
    "strange": "s e:c%+reté",
    "web-server": "web-server-secret",
    "pushing": "pushing-secret",
    "basic-only": "one-way-secret",
    "post-only": "one-way-secret",
}

ROBOT = json.dumps({"keys": [key_for("ES256").as_dict(private=False)]})
BY_KEY: Mapping[str, Any] = {
    "kind": ClientKind.CONFIDENTIAL,
    "grants": frozenset({"client_credentials"}),
    "first_party": False,
    "login": (),
    "jwks": ROBOT,
}


def configured(client_id: str, **fields: Any) -> Client:
    """A client of a configuration file."""
    secret = SecretRef(f"env:{client_id}") if client_id in SECRETS else None
    base = Client(
        id=client_id,
        kind=ClientKind.CONFIDENTIAL if secret else ClientKind.PUBLIC,
        grants=frozenset({"client_credentials"}) if secret else frozenset({"password"}),
        secret=secret,
        first_party=secret is None,
        login=() if secret else ("password",),
        scopes=(ANYTHING,),
        roles=(),
        permissions=(),
        token_kind=TokenKind.OPAQUE,
        token_lifetime_seconds=900,
    )
    return replace(base, **fields)


ITSELF = Certificate.self_signed()
"""What the client `by-itself` is known by."""


def certified(client_id: str, known: KnownCertificates, **fields: Any) -> Client:
    """A program that proves itself with a certificate."""
    program = {"kind": ClientKind.CONFIDENTIAL, "grants": frozenset({"client_credentials"}), "login": ()}
    return configured(client_id, **{**program, "first_party": False, "certificate": known, **fields})


def web(client_id: str, *redirect_uris: str, **fields: Any) -> Client:
    """A client that uses the authorization code grant."""
    return configured(
        client_id,
        **{
            "grants": frozenset({"authorization_code", "refresh_token"}),
            "first_party": False,
            "login": ("password",),
            "redirect_uris": redirect_uris or ("https://shop.example/back",),
            **fields,
        },
    )


_LASTING = frozenset({"password", "refresh_token"})
CLIENTS = {
    client.id: client
    for client in (
        web("web", name="The Shop"),
        web("own-web", first_party=True),
        web("other-web", "https://other.example/back"),
        web("jwt-web", first_party=True, token_kind=TokenKind.JWT, token_lifetime_seconds=600),
        web("web-server", first_party=True),
        web(
            "leaving-web",
            first_party=True,
            post_logout_redirect_uris=("https://shop.example/bye", "https://shop.example/bye?a=1"),
            backchannel_logout_uri="https://shop.example/logged-out",
        ),
        web("pushing", first_party=True, requires_pushed_requests=True),
        web("native", "http://127.0.0.1/back", "http://[::1]:8000/back?x=1", "com.example.app:/back"),
        configured("shop-app"),
        configured("other-app"),
        configured("narrow-app", scopes=(Permission("product", "read"), Permission("order", "*"))),
        configured("jwt-app", token_kind=TokenKind.JWT, token_lifetime_seconds=600),
        configured("both-app", may_ask_for=frozenset({TokenKind.JWT})),
        configured("someone-elses-app", first_party=False),
        configured("lasting-app", grants=_LASTING),
        configured("lasting-jwt-app", grants=_LASTING, token_kind=TokenKind.JWT, token_lifetime_seconds=600),
        configured("mute-app", grants=frozenset()),
        configured("tv", grants=frozenset({DEVICE_CODE, "refresh_token"}), first_party=False, name="TV"),
        configured("tv2", grants=frozenset({DEVICE_CODE}), first_party=False),
        configured("careless-app", grants=frozenset({"client_credentials"})),
        configured("batch", permissions=(Permission("order", "read"),), roles=("user",)),
        configured("strange"),
        configured("basic-only", authentication="client_secret_basic"),
        configured("post-only", authentication="client_secret_post"),
        configured("robot", **BY_KEY),
        configured("bound-robot", dpop=True, **BY_KEY),
        configured("reports", token_kind=TokenKind.JWT, permissions=(Permission("report", "read"),)),
        certified("by-name", KnownCertificates(CertificateBy.SAN_DNS, ("jobs.example.com",))),
        certified(
            "by-itself",
            KnownCertificates(CertificateBy.THUMBPRINTS, (ITSELF.thumbprint,)),
            token_kind=TokenKind.JWT,
        ),
        certified(
            "orders-by-name",
            KnownCertificates(CertificateBy.SAN_DNS, ("orders.example.com",)),
            kind=ClientKind.RESOURCE_SERVER,
            grants=frozenset(),
        ),
        configured("bound-app", certificate_bound=True, grants=frozenset({"password", "refresh_token"})),
        configured(
            "middle",
            grants=frozenset({TOKEN_EXCHANGE, "client_credentials"}),
            scopes=(Permission("product", "*"), Permission("order", "*")),
            may_ask_for=frozenset({TokenKind.JWT}),
            token_lifetime_seconds=3600,
        ),
        configured(
            "orders", kind=ClientKind.RESOURCE_SERVER, grants=frozenset(), audience=tuple(sorted(RESOURCES))
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the application answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)

    def all(self, name: str) -> list[str]:
        """Every value of a header that may be there more than once."""
        return [value for one, value in self.pairs if one == name]


class Clock:
    """Unix seconds, moved by hand."""

    def __init__(self) -> None:
        self.seconds = time.time()

    def __call__(self) -> float:
        return self.seconds


class CountingHasher(PasswordHasher):
    """The real one, and how often it verified."""

    def __init__(self, profile: Profile = QUICK) -> None:
        super().__init__(profile)
        self.verified = 0
        self.while_verifying: Callable[[], None] = lambda: None

    def verify(self, password_hash: str | None, typed: str) -> bool:
        self.verified += 1
        right = super().verify(password_hash, typed)
        self.while_verifying()
        return right


@dataclass
class ClientsThatListen:
    """What clients were told by the back channel, as (URL, form); and how they answer, status or error."""

    answers: list[int | OSError] = field(default_factory=list)
    told: list[tuple[str, bytes]] = field(default_factory=list)
    channel: BackChannel | None = None

    async def post(self, url: str, form: bytes) -> int:
        self.told.append((url, form))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, OSError):
            raise answer
        return answer


@dataclass
class OAuthServer:
    """A running server and the parts a test may look at or move."""

    app: OAuthApp
    directory: Directory
    changes: Changes
    store: MemoryStore
    memory: Memory
    hasher: CountingHasher
    clock: Clock
    throttle_clock: Clock
    parts: OAuthParts
    tickets: HandshakeTickets
    known: dict[str, RegisteredClient]
    authenticators: dict[str, Authenticator] = field(default_factory=dict)
    back_channel: ClientsThatListen = field(default_factory=ClientsThatListen)

    def configured(self, **settings: Any) -> OAuthParts:
        """Its parts, under a configuration that says something else."""
        return replace(self.parts, configured=replace(self.parts.configured, **settings))

    async def post(
        self,
        path: str,
        form: Mapping[str, str],
        *,
        basic: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        source: str = "192.0.2.1",
    ) -> Answer:
        """A form as an honest client sends it."""
        sent = {"content-type": "application/x-www-form-urlencoded", **(headers or {})}
        if basic is not None:
            pair = f"{quote_plus(basic[0])}:{quote_plus(basic[1])}"
            sent["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return await self.call("POST", path, sent, urlencode(form).encode(), source=source)

    async def call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        *pieces: bytes,
        source: str = "192.0.2.1",
    ) -> Answer:
        """One request, its body in these pieces."""
        target, _, query = path.partition("?")
        told = {"x-sumun-source": source, "x-request-id": "r-1", **(headers or {})}
        return await asgi_call(self.app, method, target, query, list(told.items()), pieces)

    async def password(self, name: str, password: str, client: str = "shop-app", **more: str) -> Answer:
        """The password grant."""
        source = more.pop("source", "192.0.2.1")
        form = {"grant_type": "password", "client_id": client, "username": name, "password": password, **more}
        return await self.post("/oauth/token", form, source=source)

    async def introspect(self, token: str) -> Any:
        """What the resource server `orders` is told."""
        answer = await self.post("/oauth/introspect", {"token": token}, basic=("orders", SECRETS["orders"]))
        assert answer.status == 200, answer
        return answer.json

    def narrow(self, client_id: str, *scopes: str) -> None:
        """A configured client may have no more than this from now on."""
        narrower = frozenset(map(Permission.parse, scopes))
        self.known[client_id] = replace(self.known[client_id], scopes=narrower)

    def occasion(self) -> Occasion:
        """For changes that go past `changes`."""
        return Occasion("cli:root", int(self.clock() * 1000), 600)


async def asgi_call(
    app: Any,
    method: str,
    path: str,
    query: str,
    headers: list[tuple[str, str]],
    pieces: tuple[bytes, ...],
    after: Callable[[], Any] | None = None,
) -> Answer:
    """Speak ASGI. After the pieces, `after` gives what `receive` waits for (default: nothing more comes)."""
    waiting: list[Any] = [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces) or after is not None}
        for number, piece in enumerate(pieces, 1)
    ] or [{"type": "http.request", "body": b"", "more_body": False}]
    sent: list[Any] = []

    async def receive() -> Any:
        if waiting:
            return waiting.pop(0)
        return await after() if after is not None else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
    }
    await app(scope, receive, send)
    if not sent:
        return Answer(0, {}, b"")
    start, body = sent
    pairs = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"])
    return Answer(start["status"], dict(pairs), body["body"], pairs)


@asynccontextmanager
async def oauth_server(
    folder: Path, *, authenticators: Mapping[str, Authenticator] | None = None
) -> AsyncIterator[OAuthServer]:
    """A server with alice (admin), bob (user), carol (product:create), and disabled eve."""
    clock, throttle_clock = Clock(), Clock()
    directory = Directory.open(folder / "sumun.db")
    threads = DirectoryThreads()
    password_threads = PasswordThreads(2, 64)
    hasher = CountingHasher()
    feed = MemoryFeed(time.monotonic)
    store = MemoryStore(feed, clock)
    sessions = MemorySessions(feed, clock)
    memory = Memory()
    truth = DirectoryTruth(directory, threads, clock)
    reader = NewsReader(
        feed,
        memory,
        truth,
        node="n",
        process="http-0",
        serve_known_for_seconds=10,
        steady=steady_seconds,
        wall=time.time,
    )
    farewells = MemoryFarewells(clock)
    changes = Changes(
        directory,
        threads,
        store,
        feed,
        sessions,
        farewells,
        node="n",
        clock=clock,
        claims_live_seconds=600,
        configured_clients=lambda: CLIENTS,
    )
    _people(directory, hasher, Occasion("cli:root", int(clock() * 1000), 600))
    reading = asyncio.create_task(reader.run())
    await reader.wait_ready()

    async def is_denied(jti: str) -> bool:
        return await threads.call(directory.denials.of, DenialKind.TOKEN, jti) is not None

    def keys() -> KeyRing:
        memory.require_trust(steady_seconds())
        return memory.keys

    ways: dict[str, Authenticator] = {
        "password": PasswordAuthenticator(
            "password",
            lambda login: threads.call(directory.users.for_login, login),
            lambda user_id, old, new: threads.change(
                directory.users.rehash, user_id, old, new, Occasion("login", int(clock() * 1000), 600)
            ),
            hasher,
            password_threads,
        ),
        **(authenticators or {}),
    }
    throttle = MemoryLoginThrottle(BUDGETS, throttle_clock)
    configured_first = ConfiguredFirst(truth, CLIENTS)
    lifetimes = {TokenKind.OPAQUE: 900, TokenKind.JWT: 600}
    known = {
        client.id: as_registered(client, SECRETS.get(client.id), lifetimes) for client in CLIENTS.values()
    }
    tickets = HandshakeTickets(MemoryTickets(clock))
    ephemeral = MemoryEphemeral(clock)
    find = find_client(known, lambda client_id: threads.call(directory.clients.get, client_id))
    listening = ClientsThatListen()

    async def address_of(client_id: str) -> str:
        client = await find(client_id)
        return "" if client is None else client.backchannel_logout_uri

    listening.channel = BackChannel(
        farewells, address_of, lambda: keys().active("ES256"), lambda: ISSUER, clock, listening.post
    )
    parts = OAuthParts(
        settings=SETTINGS,
        find_client=find,
        standing=configured_first.standing,
        remembered=RememberedStandings(memory, configured_first.standing, steady_seconds).of,
        login_for=Logins(ways, throttle, pay_verification(hasher, password_threads)).login_for,
        client_throttle=MemoryLoginThrottle(BUDGETS, throttle_clock),
        user_code_throttle=MemoryLoginThrottle(BUDGETS, throttle_clock),
        fetched_keys=nothing_fetched(),
        strangers=Strangers(MemoryLoginThrottle(WAITING, throttle_clock)),
        store=store,
        changes=changes,
        recogniser=Recogniser(
            memory,
            BatchingReader(store.look),
            configured_first,
            sessions,
            issuer=ISSUER,
            audience=AUDIENCE,
            steady=steady_seconds,
        ),
        possession=possession_by(ephemeral, keys, lambda: SETTINGS),
        tickets=tickets,
        ephemeral=ephemeral,
        sessions=Sessions(
            sessions,
            configured_first.standing,
            changes,
            idle_seconds=1800,
            absolute_seconds=43_200,
            clock=clock,
        ),
        refresh=RefreshTokens(directory.refresh_tokens, threads, changes, clock, RefreshSettings()),
        grant_of=lambda grant_id: threads.call(directory.grants.get, grant_id),
        is_denied=is_denied,
        keys=keys,
        bundles=lambda: BUNDLES,
        consents=RememberedConsents(directory, threads, changes),
        people=AccountReader(directory, threads, hasher, password_threads, clock),
        configured=Configured(
            login=("password",),
            vocabulary=VOCABULARY,
            session_hosts=frozenset({"shop.example.com", "news.example.com"}),
            resources=RESOURCES,
        ),
        clock=clock,
    )
    try:
        yield OAuthServer(
            oauth_app(parts),
            directory,
            changes,
            store,
            memory,
            hasher,
            clock,
            throttle_clock,
            parts,
            tickets,
            known,
            ways,
            listening,
        )
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        password_threads.close()
        await threads.close()
        directory.close()


def _people(directory: Directory, hasher: PasswordHasher, occasion: Occasion) -> None:
    key = SigningKey.generate("ES256")
    directory.keys.add_first(NewKey(key.kid, "ES256", key.to_public_jwk(), key.to_jwk()), occasion)
    held = {
        "alice": Held(frozenset({"admin"})),
        "bob": Held(frozenset({"user"})),
        "carol": Held(permissions=frozenset({Permission("product", "create"), Permission("order", "read")})),
        "eve": Held(frozenset({"user"})),
    }
    for name, what in held.items():
        new = NewUser(name, name.title(), "local", what, hasher.hash(f"{name}-pass"))
        directory.users.add(new, CLIENTS, occasion)
    directory.users.disable("eve", occasion)


class DownError(OutageError):
    """A part of these tests is down."""

    code = "down"


class Down:
    """A part that does not answer, whatever is asked."""

    name = "down"

    def __getattr__(self, _name: str) -> Callable[..., Any]:
        async def raise_it(*_args: Any, **_kwargs: Any) -> Any:
            raise DownError("a part of this test is down")

        return raise_it


def registered(client_id: str, secret_sha256: bytes | None, **fields: Any) -> RegisteredClient:
    """A client registered at run time."""
    base = as_registered(CLIENTS["batch"], None)
    return replace(base, id=client_id, secret_sha256=secret_sha256, **fields)
