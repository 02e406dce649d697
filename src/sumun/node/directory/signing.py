"""The keys that sign JWTs, over a node's life: the first one, a new one, and how long an old one must still verify."""

from __future__ import annotations

import time

from sumun.changes import Applied, ChangeNotAnnouncedError, Changes
from sumun.config.plan import Plan
from sumun.directory import Directory, NewKey, Occasion
from sumun.node.directory.truth import ring_of
from sumun.node.errors import NodeError
from sumun.tokens.signing_keys import SigningKey

LONGEST_CLAIMS_LIFE_SECONDS = 86_400
"""Of any claims token (docs/configuration.md, `tokens.jwt`): another node, or an earlier file, may have made it."""

# Tokens of an earlier, longer setting may still be out there: never count on less than this (the default maximum).
_LEAST_CLAIMS_LIFE_SECONDS = 900
_CLOCK_LEEWAY_SECONDS = 60


def claims_live_seconds(plan: Plan) -> int:
    """The longest life of a claims token under this plan."""
    lifetimes = [plan.tokens.jwt_lifetime_seconds, *(c.token_lifetime_seconds for c in plan.clients.values())]
    return max(_LEAST_CLAIMS_LIFE_SECONDS, *lifetimes)


def make_key(algorithm: str) -> NewKey:
    """A fresh key pair for the directory."""
    key = SigningKey.generate(algorithm)
    return NewKey(key.kid, algorithm, key.to_public_jwk(), key.to_jwk())


def ensure_key(directory: Directory, plan: Plan) -> None:
    """At the first start: make the key that signs. Later: nothing. Raises DirectoryUnavailableError."""
    algorithm = plan.tokens.jwt_algorithm
    if algorithm in {row.alg for row in directory.keys.list() if row.state.value == "active"}:
        return
    occasion = Occasion("sumun", int(time.time() * 1000), LONGEST_CLAIMS_LIFE_SECONDS)
    directory.keys.add_first(make_key(algorithm), occasion)
    ring_of(directory.keys.list()).active(algorithm)


class NotRotatedError(NodeError):
    """The new key is there, and nobody signs with it yet."""

    code = "not_rotated"
    exit_code = 1


async def rotate_keys(plan: Plan, changes: Changes, actor: str, *, alone: bool = False) -> Applied:
    """A new key signs from now on; the one before verifies until its last token has expired.

    Every process of every node learns the new key (the first call waits for that) before anything is signed with it.
    `alone`: no process is there that had to learn it. Raises NotRotatedError, OutageError.
    """
    key = make_key(plan.tokens.jwt_algorithm)
    try:
        published = await changes.for_all().add_key(key, actor=actor)
    except ChangeNotAnnouncedError as trouble:
        if not alone:
            raise NotRotatedError(f"the new key does not sign yet; rotate again: {trouble}") from trouble
    else:
        if published.unconfirmed:
            raise NotRotatedError(
                f"the new key does not sign yet, because it is not known to {published.behind()}; rotate again when "
                "they run"
            )
    retire_at_ms = int((time.time() + claims_live_seconds(plan) + _CLOCK_LEEWAY_SECONDS) * 1000)
    return await changes.activate_key(key.kid, retire_at_ms, actor=actor)
