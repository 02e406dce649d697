"""The answering process: HAProxy's questions over SPOE, on a unix socket."""

from __future__ import annotations

import asyncio

from sumun.answers.counted import counted
from sumun.answers.listener import SpopServer
from sumun.node.assemble import Following, build_answerer, open_shared
from sumun.node.part import Start, run_part, serve_until_terminated
from sumun.node.readiness import announce_ready


def prepare(_start: Start) -> None:
    """Nothing needs root: the socket is made in the run folder, which is ours after root was dropped."""


async def serve(start: Start, _prepared: None) -> None:
    """Answer until SIGTERM."""
    async with open_shared(start.plan, start.folder, start.node, start.secrets, start.address) as shared:
        following = Following(shared, start.node, start.name)
        answerer = build_answerer(following, start.plan, start.generation)
        server = SpopServer(counted(answerer.answer))
        news = asyncio.create_task(following.news.run())
        await following.news.wait_ready()
        await server.start(start.folder.answer_socket(start.index))
        try:
            announce_ready()
            await serve_until_terminated(news)
        finally:
            await server.close()


def main() -> None:
    """Run the part."""
    run_part("answer", prepare, serve)


if __name__ == "__main__":
    main()
