"""The answerer of one answering process."""

from __future__ import annotations

import time

from sumun.access.generations import Generations
from sumun.answers.answer import Answerer
from sumun.answers.learned import Learn
from sumun.answers.opened import Opens
from sumun.node.assemble.following import Following
from sumun.node.assemble.identity_tokens import IdentityTokens
from sumun.node.assemble.shared import Shared
from sumun.recognition.handshake_tickets import HandshakeTickets
from sumun.recognition.possession import possession_by


def build_answerer(
    shared: Shared, following: Following, generations: Generations, learn: Learn, opens: Opens
) -> Answerer:
    """It answers for the generations that are taught to `generations`."""
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
        HandshakeTickets(shared.stores.tickets).redeem,
        possession_by(shared.stores.ephemeral, lambda: following.memory.keys, shared.in_force.tokens),
        tokens.for_service,
        time.time,
        learn,
        opens,
    )
