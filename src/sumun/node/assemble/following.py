"""A memory that follows the news, and the recogniser on top of it: what answering and issuing both have."""

from __future__ import annotations

import time

from sumun.node.assemble.shared import Shared
from sumun.recognition import Memory, NewsReader, Recogniser, steady_seconds
from sumun.recognition.truth import ConfiguredFirst
from sumun.tokens.batching import BatchingReader
from sumun.tokens.signing_keys import KeyRing


class Following:
    """Of one process."""

    def __init__(self, shared: Shared, node: str, process: str) -> None:
        plan = shared.in_force.plan
        self.memory = Memory()
        self.directory = ConfiguredFirst(shared.truth, plan.clients)
        self.news = NewsReader(
            shared.stores.feed,
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
            BatchingReader(shared.stores.tokens.look),
            self.directory,
            shared.stores.sessions,
            issuer=plan.tokens.issuer,
            audience=plan.tokens.audience,
            steady=steady_seconds,
        )

    def keys(self) -> KeyRing:
        """Today's. Raises OutageError when they are not known for certain.

        An empty ring would publish that there are no keys, and take every JWT for someone else's.
        """
        self.memory.require_trust(steady_seconds())
        return self.memory.keys
