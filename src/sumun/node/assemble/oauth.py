"""The OAuth server of the HTTP process, under one plan."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from sumun.access import TokenKind
from sumun.config.plan import Plan
from sumun.directory import DenialKind, RegisteredClient, StoredGrant
from sumun.directory.passwords import PasswordHasher
from sumun.login.fetched_keys import FetchedKeys
from sumun.login.key_set_http import KeySetHttp
from sumun.login.password_threads import PasswordThreads
from sumun.login.throttle import Counted
from sumun.node.assemble.following import Following
from sumun.node.assemble.logins import authenticator_parts, budgets, build_logins, waiting
from sumun.node.assemble.registering import registration_parts
from sumun.node.assemble.shared import Shared
from sumun.node.assemble.stores import own_throttle, shared_throttle
from sumun.node.catalogue import catalogue
from sumun.node.machine.secret_refs import Secrets
from sumun.oauth.account.people import AccountReader
from sumun.oauth.app import OAuthApp
from sumun.oauth.authorize.remembered import RememberedConsents
from sumun.oauth.clients import FindClient, as_registered, find_client
from sumun.oauth.configured import Configured
from sumun.oauth.grants.refreshing import RefreshTokens
from sumun.oauth.server import OAuthParts, oauth_app
from sumun.oauth.standings import RememberedStandings
from sumun.oauth.strangers import Strangers
from sumun.recognition import steady_seconds
from sumun.recognition.handshake_tickets import HandshakeTickets
from sumun.recognition.possession import possession_by
from sumun.sessions import Sessions


@asynccontextmanager
async def build_oauth(
    shared: Shared, following: Following, plan: Plan, secrets: Secrets
) -> AsyncIterator[OAuthApp]:
    """Raises what an authenticator's builder raises."""
    stores, deadline = shared.stores, shared.in_force.store_deadline_seconds
    standing, rows = following.directory.standing, _Rows(shared)
    async with AsyncExitStack() as stack:
        throttle_of = partial(shared_throttle, stack, shared.address, deadline)
        key_sets = KeySetHttp()
        stack.push_async_callback(key_sets.close)
        hasher = PasswordHasher()
        checks = PasswordThreads(plan.limits.password_checks_at_once, plan.limits.password_checks_waiting)
        stack.callback(checks.close)
        logins = await build_logins(
            plan,
            catalogue(),
            authenticator_parts(shared, hasher, checks, secrets),
            throttle_of(Counted.LOGIN, budgets(plan)),
            stack,
        )
        yield oauth_app(
            OAuthParts(
                settings=plan.tokens,
                find_client=_find_client(plan, secrets, rows.client),
                standing=standing,
                remembered=RememberedStandings(following.memory, standing, steady_seconds).of,
                login_for=logins.login_for,
                # In memory: two questions to the store, one of them a write on disk, for every token would be too dear.
                client_throttle=own_throttle(budgets(plan)),
                fetched_keys=FetchedKeys(key_sets.fetch, steady_seconds),
                user_code_throttle=throttle_of(Counted.USER_CODE, budgets(plan)),
                strangers=Strangers(throttle_of(Counted.WAITING, waiting(plan))),
                store=stores.tokens,
                changes=shared.changes,
                recogniser=following.recogniser,
                possession=possession_by(stores.ephemeral, following.keys, shared.in_force.tokens),
                tickets=HandshakeTickets(stores.tickets),
                ephemeral=stores.ephemeral,
                sessions=Sessions(
                    stores.sessions,
                    standing,
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
                grant_of=rows.grant,
                is_denied=rows.is_denied,
                keys=following.keys,
                bundles=lambda: plan.roles,
                clock=time.time,
                consents=RememberedConsents(shared.directory, shared.threads, shared.changes),
                people=AccountReader(shared.directory, shared.threads, hasher, checks, time.time),
                configured=Configured.of(plan),
                registration=registration_parts(plan, secrets, partial(throttle_of, Counted.REGISTRATION)),
            )
        )


class _Rows:
    """What the directory says at the moment of the question. Every method raises DirectoryUnavailableError."""

    def __init__(self, shared: Shared) -> None:
        self._directory = shared.directory
        self._threads = shared.threads

    async def client(self, client_id: str) -> RegisteredClient | None:
        return await self._threads.call(self._directory.clients.get, client_id)

    async def grant(self, grant_id: str) -> StoredGrant | None:
        return await self._threads.call(self._directory.grants.get, grant_id)

    async def is_denied(self, jti: str) -> bool:
        return await self._threads.call(self._directory.denials.of, DenialKind.TOKEN, jti) is not None


def _find_client(plan: Plan, secrets: Secrets, registered: FindClient) -> FindClient:
    """Those of the configuration, with their secrets, before those that registered."""
    lifetimes = {
        TokenKind.JWT: plan.tokens.jwt_lifetime_seconds,
        TokenKind.OPAQUE: plan.tokens.opaque_lifetime_seconds,
    }
    configured = {
        one.id: as_registered(one, None if one.secret is None else secrets.get(one.secret.source), lifetimes)
        for one in plan.clients.values()
    }
    return find_client(configured, registered)
