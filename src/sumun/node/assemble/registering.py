"""What clients that register themselves may be, under one plan."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from sumun.access import TokenKind
from sumun.config.plan import Plan
from sumun.login.throttle import Budgets, LoginThrottle
from sumun.node.machine.secret_refs import Secrets
from sumun.oauth.endpoints.register import RegistrationParts
from sumun.oauth.registration import Allowed

_HOUR_SECONDS = 3600


def registration_parts(
    plan: Plan, secrets: Secrets, throttle: Callable[[Budgets], LoginThrottle]
) -> RegistrationParts | None:
    """None: nobody registers. `throttle` makes one for these budgets."""
    settings, tokens = plan.registration, plan.tokens
    if settings is None:
        return None
    by_claims = tokens.access_kind is TokenKind.JWT
    allowed = Allowed(
        scopes=frozenset(settings.scopes),
        grants=settings.grants,
        login=plan.login,
        token_kind=tokens.access_kind,
        token_lifetime_seconds=tokens.jwt_lifetime_seconds if by_claims else tokens.opaque_lifetime_seconds,
        algorithm=tokens.jwt_algorithm,
    )
    token = None if settings.token is None else secrets.get(settings.token.source)
    return RegistrationParts(
        allowed,
        None if token is None else hashlib.sha256(token.encode()).digest(),
        throttle(Budgets(settings.per_source, settings.per_source, settings.total, _HOUR_SECONDS)),
    )
