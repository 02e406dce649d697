"""A process that answers HAProxy with our listener, by the text of the credential.

    python -m tests.live.spop_agent_process SOCKET DEADLINE_SECONDS CONNECTIONS MAX_FRAME_SIZE

ok-...      allowed at once           later-MS-...   allowed after so many milliseconds (in a task)
long-N-...  allowed, with N bytes     hang-...       never answered        fail-...   the answer function raises
anything else: an answer that allows nothing. `who` repeats the credential, so a mixed-up answer shows.

It writes "ready" when it listens, and what it counted when SIGTERM ends it.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Mapping
from dataclasses import asdict
from pathlib import Path

import uvloop

from sumun.answers.conversation import ConversationLimits
from sumun.answers.desk import Answer
from sumun.answers.listener import ListenerLimits, SpopServer
from sumun.spop import Limits, Value


def answer(args: Mapping[str, Value]) -> Answer | Awaitable[Answer]:
    """The answer to one question."""
    kind, _, rest = str(args["cred"]).partition("-")
    allowed: dict[str, Value] = {"allow": True, "who": args["cred"]}
    match kind:
        case "ok":
            return allowed
        case "later":
            return later(float(rest.partition("-")[0]) / 1000, allowed)
        case "long":
            return allowed | {"long": "x" * int(rest.partition("-")[0])}
        case "hang":
            return later(3600, allowed)
        case "fail":
            raise RuntimeError
        case _:
            return {"who": args["cred"]}


async def later(seconds: float, allowed: Mapping[str, Value]) -> Answer:
    """`allowed` after a while."""
    await asyncio.sleep(seconds)
    return allowed


async def serve(path: Path, limits: ListenerLimits) -> None:
    """Until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = SpopServer(answer, limits)
    await server.start(path)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await stop.wait()
    await server.close()
    counts = asdict(server.counts)
    sys.stdout.write(" ".join(f"{name} {count}" for name, count in counts.items()) + "\n")


def main() -> None:
    """Run."""
    path, deadline_seconds, connections, max_frame_size = sys.argv[1:]
    frames = ConversationLimits(spop=Limits(max_frame_size=int(max_frame_size)))
    limits = ListenerLimits(float(deadline_seconds), connections=int(connections), conversation=frames)
    uvloop.run(serve(Path(path), limits))


if __name__ == "__main__":
    main()
