"""What the configuration says to the OAuth server, beside how tokens are made and who may register."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sumun.config.plan import Plan, Sentence, Tls
from sumun.oauth.cross_origin import client_origins
from sumun.oauth.our_hosts import session_hosts


@dataclass(frozen=True, slots=True)
class Configured:
    """Of one plan.

    login            the authenticators of the gateway's own pages
    vocabulary       the permissions that the configuration has words for, and the words
    session_hosts    the hosts that routes with sessions name (`our_hosts.session_hosts`)
    origins          of applications that live in a browser: see `cross_origin`
    resources        the names of the services, for tokens that are for some of them only
    tls              of the listeners that speak it
    """

    login: tuple[str, ...] = ()
    vocabulary: Mapping[str, Sentence] = field(default_factory=dict)
    session_hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    tls: Mapping[str, Tls] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan) -> Configured:
        """What this plan says."""
        return cls(
            plan.login,
            plan.permissions,
            session_hosts(plan),
            client_origins(plan.clients.values()),
            frozenset(one.audience for one in plan.services.values() if one.audience),
            plan.tls,
        )
