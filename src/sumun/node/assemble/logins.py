"""The logins of one plan: each configured authenticator with what it needs of the node; the budgets for guessing."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack

from sumun.config.plan import Plan
from sumun.directory import LoginAccount, Occasion, OutsidePerson, User
from sumun.directory.passwords import PasswordHasher
from sumun.login.authenticator import Authenticator
from sumun.login.kinds import AuthenticatorParts
from sumun.login.password_threads import PasswordThreads
from sumun.login.pipeline import Logins
from sumun.login.throttle import Budgets, LoginThrottle
from sumun.node.assemble.shared import Shared
from sumun.node.directory.signing import LONGEST_CLAIMS_LIFE_SECONDS
from sumun.node.machine.secret_refs import Secrets
from sumun.oauth.strangers import WAITS_SECONDS
from sumun.plugins import AUTHENTICATOR, Catalogue
from sumun.recognition import steady_seconds

# An office behind one address: so many accounts may use up their failures before the address as a whole is slowed.
_ACCOUNTS_PER_SOURCE = 10


async def build_logins(
    plan: Plan, kinds: Catalogue, parts: AuthenticatorParts, throttle: LoginThrottle, stack: AsyncExitStack
) -> Logins:
    """The authenticators of the plan; `stack` closes them. Raises what a builder raises."""
    authenticators: dict[str, Authenticator] = {}
    for name, planned in plan.authenticators.items():
        kind = kinds.find(AUTHENTICATOR, planned.kind)
        authenticators[name] = kind.builder()(name, planned.settings, parts)
        stack.push_async_callback(authenticators[name].close)

    async def pay(password: str) -> None:
        await parts.password_threads.run(parts.hasher.verify, None, password)

    return Logins(authenticators, throttle, pay)


def authenticator_parts(
    shared: Shared, hasher: PasswordHasher, checks: PasswordThreads, secrets: Secrets
) -> AuthenticatorParts:
    """What authenticators are handed."""
    directory, threads = shared.directory, shared.threads

    async def keep_hash(user_id: str, old_hash: str, new_hash: str) -> object:
        occasion = Occasion("sumun", int(time.time() * 1000), LONGEST_CLAIMS_LIFE_SECONDS)
        return await threads.change(directory.users.rehash, user_id, old_hash, new_hash, occasion)

    async def link(person: OutsidePerson) -> User:
        return await shared.changes.link_outside(person)

    async def find_account(typed: str) -> LoginAccount | None:
        return await threads.call(directory.users.for_login, typed)

    return AuthenticatorParts(
        find_account=find_account,
        keep_hash=keep_hash,
        hasher=hasher,
        password_threads=checks,
        link=link,
        read_secret=lambda ref: secrets.get(ref.source),
        monotonic=steady_seconds,
    )


def budgets(plan: Plan) -> Budgets:
    """How many failures the plan allows."""
    limits = plan.limits
    return Budgets(
        per_account_and_source=limits.login_failures_per_account_and_source,
        per_source=limits.login_failures_per_account_and_source * _ACCOUNTS_PER_SOURCE,
        total=limits.login_failures_total,
        window_seconds=limits.login_window_seconds,
    )


def waiting(plan: Plan) -> Budgets:
    """How much strangers may let wait under the plan."""
    limits = plan.limits
    return Budgets(limits.waiting_per_source, limits.waiting_per_source, limits.waiting_total, WAITS_SECONDS)
