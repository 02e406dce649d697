"""The answering process: HAProxy's questions over SPOE, on a unix socket."""

from __future__ import annotations

import asyncio
import time

from sumun.access.generations import Generations
from sumun.answers.counted import counted
from sumun.answers.keeper_link import KeeperLink
from sumun.answers.listener import ListenerLimits, SpopServer
from sumun.answers.opened import OpenStreams
from sumun.answers.stream_link import StreamLink
from sumun.node.assemble.answering import build_answerer
from sumun.node.assemble.following import Following
from sumun.node.assemble.shared import Shared, open_shared
from sumun.node.in_force import load_plan
from sumun.node.parts.program import Start, run_part, serve_until_terminated
from sumun.node.processes.control import ControlServer
from sumun.node.processes.health import answers_health, in_touch
from sumun.node.processes.readiness import announce_ready
from sumun.rollout.policy import policy_of


class Lessons:
    """What the supervisor tells this part: generations come, count, and go."""

    def __init__(
        self, start: Start, shared: Shared, following: Following, generations: Generations, server: SpopServer
    ) -> None:
        self._folder = start.folder
        self._shared = shared
        self._following = following
        self._generations = generations
        self._server = server
        self.adopted = start.generation

    async def learn(self, words: str) -> str:
        """`learn N SECRETS`: the answering process needs no secret."""
        number = int(words.split(" ", 1)[0])
        self._generations.learn(policy_of(load_plan(self._folder, number), number))
        return "learned"

    async def adopt(self, words: str) -> str:
        """`adopt N`: its clients and deadlines are the ones that count."""
        plan = load_plan(self._folder, int(words))
        self._shared.in_force.adopt(plan)
        self._following.directory.configure(plan.clients)
        self._following.memory.reconfigured()
        self._server.answer_within(plan.limits.answer_deadline_seconds)
        self._generations.adopt(int(words))
        self.adopted = int(words)
        return "adopted"

    async def retire(self, words: str) -> str:
        """`retire N`: nobody asks under it any more."""
        self._generations.retire(int(words))
        return "retired"


def prepare(_start: Start) -> None:
    """Nothing needs root: the socket is made in the run folder, which is ours after root was dropped."""


async def serve(start: Start, _prepared: None) -> None:
    """Answer until SIGTERM."""
    async with open_shared(start.plan, start.folder, start.node, start.secrets, start.address) as shared:
        following = Following(shared, start.node, start.reader)
        generations = Generations()
        for number in (start.generation, *start.older):
            generations.learn(policy_of(load_plan(start.folder, number), number))
        generations.adopt(start.generation)
        link = KeeperLink(start.folder.keeper_socket, lambda: (following.memory.incarnation, lessons.adopted))
        memory = following.memory
        stream_link = StreamLink(
            start.folder.stream_socket, lambda: (memory.incarnation, memory.n, lessons.adopted)
        )
        streams = OpenStreams(
            generations, following.recogniser, lambda: memory.incarnation, time.time, stream_link.opened
        )
        answerer = build_answerer(shared, following, generations, link.learn, streams.opens)
        limits = ListenerLimits(start.plan.limits.answer_deadline_seconds)
        server = SpopServer(counted(answerer.answer), limits)
        lessons = Lessons(start, shared, following, generations, server)
        control = ControlServer(
            start.folder.control_socket(start.name),
            {
                "learn": lessons.learn,
                "adopt": lessons.adopt,
                "retire": lessons.retire,
                "health": answers_health(in_touch(memory), shared.stores.feed.head, shared.truth.keys),
            },
        )
        news = asyncio.create_task(following.news.run())
        await following.news.wait_ready()
        await server.start(start.folder.answer_socket(start.index))
        await control.start()
        try:
            announce_ready()
            links = (asyncio.create_task(link.run()), asyncio.create_task(stream_link.run(streams.may_go_on)))
            await serve_until_terminated(news, *links)
        finally:
            await control.close()
            await server.close()


def main() -> None:
    """Run the part."""
    run_part("answer", prepare, serve)


if __name__ == "__main__":
    main()
