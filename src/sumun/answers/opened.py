"""Allowed requests that may stay open: what the keeper must know of them, and whether they may still go on.

A stream is judged again by the same `decide()`, under the rule that allowed it and under the one in force.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from sumun.access import Allow, Evidence, Proven, decide
from sumun.access.generations import Generations
from sumun.answers.errors import NotRepeatableError
from sumun.answers.translate import Question
from sumun.errors import SumunError
from sumun.identity import Credential
from sumun.keeper.stream_wire import OpenStream
from sumun.recognition.handle import Handle, tagged
from sumun.tokens.binding import for_its_holder

log = logging.getLogger(__name__)

Opens = Callable[[Question, str, Proven, Handle | None], None]
"""Takes a request that is about to be allowed, its name in HAProxy, what its credential proved, and the handle to judge
it by again (None: look it up). Raises SumunError: then it is not allowed.
"""


class RecognisesAgain(Protocol):
    """What is needed of `recognition`."""

    def handle_of(self, credential: Credential) -> Handle | None:
        """How to judge this credential again."""
        ...

    async def recognise_again(self, handle: Handle, now: float) -> Evidence:
        """What it proves now. Raises OutageError."""
        ...


class OpenStreams:
    """One per answering process."""

    def __init__(
        self,
        generations: Generations,
        recogniser: RecognisesAgain,
        incarnation: Callable[[], str],
        clock: Callable[[], float],
        hand_over: Callable[[OpenStream], None],
    ) -> None:
        """`incarnation` is the feed's in which evidence counts; `clock` gives unix seconds."""
        self._generations = generations
        self._recogniser = recogniser
        self._incarnation = incarnation
        self._clock = clock
        self._hand_over = hand_over

    def opens(self, question: Question, stream: str, proven: Proven, handle: Handle | None) -> None:
        """Tell the keeper of this request, before HAProxy hears that it is allowed. Raises NotRepeatableError."""
        handle = handle or self._recogniser.handle_of(question.credential)
        if handle is None:
            raise NotRepeatableError(
                "what the token proved is forgotten already; it could not be judged again"
            )
        who = proven.principal
        again = 0.0 if proven.kept_until is None else max(1.0, proven.kept_until - self._clock())
        self._hand_over(
            OpenStream(
                name=stream,
                generation=question.generation,
                route_id=question.route_id,
                internal=question.internal,
                subject=str(who.subject),
                token=who.token_id or "-",
                client=who.client_id or "-",
                expires=proven.expires_at,
                incarnation=self._incarnation(),
                as_of=proven.as_of,
                credential=tagged(handle),
                again_seconds=again,
            )
        )

    async def may_go_on(self, stream: OpenStream) -> bool | None:
        """Whether this stream would be allowed now: by the rule that allowed it, while its generation is known, and by
        the one in force.

        None: nobody can tell.
        """
        policy = self._generations.get(stream.generation) or self._generations.newer_than(stream.generation)
        if policy is None:
            return None
        policies = (policy, self._generations.newer_than(policy.generation) or policy)
        rules = [(one.rules.get(stream.route_id), one.bundles) for one in policies]
        try:
            found = await self._recogniser.recognise_again(stream.credential.handle, self._clock())
        except SumunError as trouble:
            log.warning("an open stream was not judged: %s: %s", trouble.code, trouble)
            return None
        evidence = for_its_holder(found)
        return all(
            rule is not None and isinstance(decide(rule, evidence, bundles, internal=stream.internal), Allow)
            for rule, bundles in rules
        )
