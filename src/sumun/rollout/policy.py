"""Plan -> Policy: what the answering processes need of a plan."""

from __future__ import annotations

from sumun.access import Policy
from sumun.config.calls import rule_of, shadow_of
from sumun.config.origins import resource_metadata_url
from sumun.config.plan import Plan
from sumun.config.rule_ids import NEVER_KEPT, rule_ids


def policy_of(plan: Plan, generation: int) -> Policy:
    """The policy of this plan under this generation number."""
    rules = rule_ids(plan)
    return Policy(
        generation=generation,
        rules={route.id: rule_of(route) for route in plan.routes},
        bundles=plan.roles,
        kept={r.id: (r.service, rules[r.id]) for r in plan.routes if rules[r.id] != NEVER_KEPT},
        shadows={route.id: rule for route in plan.routes if (rule := shadow_of(route)) is not None},
        metadata={r.id: resource_metadata_url(plan.tokens.issuer, r.host) for r in plan.routes},
        signed={r.id: r.service for r in plan.routes if plan.services[r.service].signed},
    )
