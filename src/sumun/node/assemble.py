"""The only file that names concrete parts: which store, which directory, which authenticators.

open_shared   what every process of a node has: directory, store, feed, changes
answering     the answering process: memory that follows the news, recogniser, answerer
issuing       the HTTP process: logins, grants, endpoints
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sumun.access import TokenKind
from sumun.access.generations import Generations
from sumun.answers.answer import Answerer
from sumun.answers.learned import Learn
from sumun.answers.opened import Opens
from sumun.changes import Changes
from sumun.config import wire
from sumun.config.plan import Plan
from sumun.directory import (
    DenialKind,
    Directory,
    DirectoryThreads,
    RegisteredClient,
    StoredGrant,
)
from sumun.directory.passwords import PasswordHasher
from sumun.keeper.quota_book import QuotaBook
from sumun.keeper.quota_valkey import ValkeyQuotaBook
from sumun.login import kinds as login_kinds
from sumun.login.fetched_keys import FetchedKeys
from sumun.login.key_set_http import KeySetHttp
from sumun.login.password_threads import PasswordThreads
from sumun.login.throttle import Budgets, LoginThrottle
from sumun.login.throttle_memory import MemoryLoginThrottle
from sumun.login.throttle_valkey import Counted, ValkeyLoginThrottle
from sumun.node.directory.beginning import directory_location
from sumun.node.directory.signing import LONGEST_CLAIMS_LIFE_SECONDS
from sumun.node.directory.truth import DirectoryTruth
from sumun.node.errors import NodeError
from sumun.node.identity_tokens import IdentityTokens
from sumun.node.in_force import InForce
from sumun.node.logins import authenticator_parts, budgets, build_logins, waiting
from sumun.node.machine.folders import DataFolder
from sumun.node.machine.secret_refs import Secrets
from sumun.node.registering import registration_parts
from sumun.node.store.address import store_address
from sumun.oauth.account.people import AccountReader
from sumun.oauth.app import OAuthApp
from sumun.oauth.authorize.remembered import RememberedConsents
from sumun.oauth.clients import as_registered, find_client
from sumun.oauth.cross_origin import client_origins
from sumun.oauth.grants.refreshing import RefreshTokens
from sumun.oauth.our_hosts import session_hosts
from sumun.oauth.server import OAuthParts, oauth_app
from sumun.oauth.standings import RememberedStandings
from sumun.oauth.strangers import Strangers
from sumun.plugins import Catalogue, installed_kinds
from sumun.recognition import Memory, NewsReader, Recogniser, steady_seconds
from sumun.recognition.handshake_tickets import HandshakeTickets
from sumun.recognition.possession import possession_by
from sumun.recognition.truth import ConfiguredFirst
from sumun.sessions import Farewells, Sessions, SessionStore
from sumun.sessions.farewells_valkey import ValkeyFarewells
from sumun.sessions.store_valkey import ValkeySessions
from sumun.tokens.batching import BatchingReader
from sumun.tokens.ephemeral import EphemeralStore
from sumun.tokens.feed import Feed
from sumun.tokens.signing_keys import KeyRing
from sumun.tokens.store import TokenStore
from sumun.tokens.stores.connect import valkey_ephemeral, valkey_feed, valkey_store, valkey_tickets
from sumun.tokens.stores.valkey_link import ValkeyAddress, ValkeyLink


def catalogue() -> Catalogue:
    """Every kind of part that exists: ours, and those of installed distributions."""
    return Catalogue((*login_kinds.KINDS, *installed_kinds()))


@dataclass
class Shared:
    """What every process of a node has open."""

    in_force: InForce
    directory: Directory
    threads: DirectoryThreads
    truth: DirectoryTruth
    store: TokenStore
    tickets: HandshakeTickets
    ephemeral: EphemeralStore
    sessions: SessionStore
    farewells: Farewells
    feed: Feed
    changes: Changes
    address: ValkeyAddress = field(repr=False)


@asynccontextmanager
async def open_shared(
    plan: Plan, folder: DataFolder, node: str, secrets: Secrets, address: ValkeyAddress
) -> AsyncIterator[Shared]:
    """Open the directory, the store and the feed. Raises DirectoryUnusableError, DirectoryUnavailableError."""
    in_force = InForce(plan)
    deadline = in_force.store_deadline_seconds
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(Directory.open(directory_location(plan, folder, secrets)))
        threads = DirectoryThreads()
        stack.push_async_callback(threads.close)
        store = valkey_store(address, steady_seconds, deadline)
        stack.push_async_callback(store.close)
        tickets = valkey_tickets(address, steady_seconds, deadline)
        stack.push_async_callback(tickets.close)
        ephemeral = valkey_ephemeral(address, steady_seconds, deadline)
        stack.push_async_callback(ephemeral.close)
        sessions = ValkeySessions(ValkeyLink(address, deadline=deadline, steady=steady_seconds))
        stack.push_async_callback(sessions.close)
        farewells = ValkeyFarewells(
            ValkeyLink(address, connections=4, deadline=deadline, steady=steady_seconds)
        )
        stack.push_async_callback(farewells.close)
        feed = valkey_feed(address, steady_seconds, deadline)
        stack.push_async_callback(feed.close)
        changes = Changes(
            directory,
            threads,
            store,
            feed,
            sessions,
            farewells,
            node=node,
            clock=time.time,
            claims_live_seconds=LONGEST_CLAIMS_LIFE_SECONDS,
            configured_clients=in_force.configured_clients,
        )
        truth = DirectoryTruth(directory, threads, time.time)
        yield Shared(
            in_force,
            directory,
            threads,
            truth,
            store,
            HandshakeTickets(tickets),
            ephemeral,
            sessions,
            farewells,
            feed,
            changes,
            address,
        )


@asynccontextmanager
async def open_feed(address: ValkeyAddress, in_force: InForce) -> AsyncIterator[Feed]:
    """The feed alone."""
    feed = valkey_feed(address, steady_seconds, in_force.store_deadline_seconds)
    try:
        yield feed
    finally:
        await feed.close()


@asynccontextmanager
async def open_quota_book(address: ValkeyAddress, in_force: InForce) -> AsyncIterator[QuotaBook]:
    """Where all nodes add up what clients have used of their quotas."""
    deadline = in_force.store_deadline_seconds
    book = ValkeyQuotaBook(ValkeyLink(address, connections=1, deadline=deadline, steady=steady_seconds))
    try:
        yield book
    finally:
        await book.close()


class Following:
    """A memory that follows the news, and the recogniser on top of it: what answering and issuing both have."""

    def __init__(self, shared: Shared, node: str, process: str) -> None:
        plan = shared.in_force.plan
        self.memory = Memory()
        self.directory = ConfiguredFirst(shared.truth, plan.clients)
        self.news = NewsReader(
            shared.feed,
            self.memory,
            shared.truth,
            node=node,
            process=process,
            serve_known_for_seconds=plan.node.serve_known_for_seconds,
            steady=steady_seconds,
            wall=time.time,
        )
        self.recogniser = Recogniser(
            self.memory,
            BatchingReader(shared.store),
            self.directory,
            shared.sessions,
            issuer=plan.tokens.issuer,
            audience=plan.tokens.audience,
            steady=steady_seconds,
        )


def build_answerer(
    shared: Shared, following: Following, generations: Generations, learn: Learn, opens: Opens
) -> Answerer:
    """The answerer of one answering process. It answers for the generations that are taught to `generations`."""
    plan = shared.in_force.plan
    tokens = IdentityTokens(
        lambda: following.memory.keys,
        issuer=plan.tokens.issuer,
        algorithm=plan.tokens.jwt_algorithm,
        lifetime_seconds=plan.tokens.identity_lifetime_seconds,
    )

    return Answerer(
        generations,
        following.recogniser,
        shared.tickets.redeem,
        possession_by(shared.ephemeral, lambda: following.memory.keys, shared.in_force.tokens),
        tokens.for_service,
        time.time,
        learn,
        opens,
    )


@asynccontextmanager
async def build_oauth(
    shared: Shared, following: Following, plan: Plan, secrets: Secrets
) -> AsyncIterator[OAuthApp]:
    """The OAuth server of the HTTP process, under this plan. Raises what an authenticator's builder raises."""
    async with AsyncExitStack() as stack:

        def throttle_of(counted: Counted, of: Budgets) -> LoginThrottle:
            link = ValkeyLink(
                shared.address, deadline=shared.in_force.store_deadline_seconds, steady=steady_seconds
            )
            throttle = ValkeyLoginThrottle(link, of, counted)
            stack.push_async_callback(throttle.close)
            return throttle

        key_sets = KeySetHttp()
        stack.push_async_callback(key_sets.close)
        hasher = PasswordHasher()
        checks = PasswordThreads(plan.limits.password_checks_at_once, plan.limits.password_checks_waiting)
        stack.callback(checks.close)
        logins = await build_logins(
            plan,
            catalogue(),
            authenticator_parts(
                shared.directory, shared.threads, shared.changes, hasher, checks, secrets, steady_seconds
            ),
            throttle_of(Counted.LOGIN, budgets(plan)),
            stack,
        )
        lifetimes = {
            TokenKind.JWT: plan.tokens.jwt_lifetime_seconds,
            TokenKind.OPAQUE: plan.tokens.opaque_lifetime_seconds,
        }
        configured = {
            c.id: as_registered(c, None if c.secret is None else secrets.get(c.secret.source), lifetimes)
            for c in plan.clients.values()
        }

        async def registered(client_id: str) -> RegisteredClient | None:
            return await shared.threads.call(shared.directory.clients.get, client_id)

        async def grant_of(grant_id: str) -> StoredGrant | None:
            return await shared.threads.call(shared.directory.grants.get, grant_id)

        async def is_denied(jti: str) -> bool:
            denial = await shared.threads.call(shared.directory.denials.of, DenialKind.TOKEN, jti)
            return denial is not None

        def keys() -> KeyRing:
            # An empty ring would publish that there are no keys, and take every JWT for someone else's.
            following.memory.require_trust(steady_seconds())
            return following.memory.keys

        yield oauth_app(
            OAuthParts(
                settings=plan.tokens,
                find_client=find_client(configured, registered),
                standing=following.directory.standing,
                remembered=RememberedStandings(
                    following.memory, following.directory.standing, steady_seconds
                ).of,
                login_for=logins.login_for,
                # In memory: two questions to the store, one of them a write on disk, for every token would be too dear.
                client_throttle=MemoryLoginThrottle(budgets(plan), steady_seconds),
                fetched_keys=FetchedKeys(key_sets.fetch, steady_seconds),
                user_code_throttle=throttle_of(Counted.USER_CODE, budgets(plan)),
                strangers=Strangers(MemoryLoginThrottle(waiting(plan), steady_seconds)),
                store=shared.store,
                changes=shared.changes,
                recogniser=following.recogniser,
                possession=possession_by(shared.ephemeral, keys, shared.in_force.tokens),
                tickets=shared.tickets,
                ephemeral=shared.ephemeral,
                session_hosts=session_hosts(plan),
                sessions=Sessions(
                    shared.sessions,
                    following.directory.standing,
                    shared.changes,
                    idle_seconds=plan.sessions.idle_seconds,
                    absolute_seconds=plan.sessions.absolute_seconds,
                    clock=time.time,
                ),
                refresh=RefreshTokens(
                    shared.directory.refresh_tokens,
                    shared.threads,
                    shared.changes,
                    time.time,
                    plan.tokens.refresh,
                ),
                grant_of=grant_of,
                is_denied=is_denied,
                keys=keys,
                bundles=lambda: plan.roles,
                clock=time.time,
                consents=RememberedConsents(shared.directory, shared.threads, shared.changes),
                people=AccountReader(shared.directory, shared.threads, hasher, checks, time.time),
                login=plan.login,
                vocabulary=plan.permissions,
                origins=client_origins(plan.clients.values()),
                tls=plan.tls,
                registration=registration_parts(plan, secrets, partial(throttle_of, Counted.REGISTRATION)),
                resources=frozenset(one.audience for one in plan.services.values() if one.audience),
            )
        )


@asynccontextmanager
async def open_for_operator(data: Path) -> AsyncIterator[Shared]:
    """What the command line changes people, clients, tokens and keys with. Raises SumunError."""
    folder = DataFolder(data)
    if not folder.is_ours():
        raise NodeError(f"{folder.root} is not a data folder of sumun; name it with --data (or SUMUN_DATA)")
    plan_file = folder.current / "plan.json"
    if not plan_file.is_file():
        raise NodeError(
            f"{folder.root} has no configuration yet: start the gateway once with `sumun run --data ...`"
        )
    plan = wire.load(plan_file.read_bytes())
    secrets = Secrets.of_storage(plan)
    address = ValkeyAddress(unix_socket=str(folder.valkey_socket))
    if plan.node.store is not None or folder.valkey_password.exists():
        address = store_address(plan, folder, secrets)
    async with open_shared(plan, folder, node_id(folder), secrets, address) as shared:
        yield shared


def node_id(folder: DataFolder) -> str:
    """This node's name in the feed, made with the data folder."""
    return (folder.root / "node-id").read_text().strip()
