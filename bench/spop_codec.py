"""What one question costs in Python: NOTIFY bytes -> values, answer -> ACK bytes. Prints one JSON object.

The floor is the least Python could do with the same bytes: find each frame by its length and slice it, and build each
answer by joining bytes that are ready. `ratio` is cost over floor, so that it means something on another machine, too.

    PYTHONPATH=src python bench/spop_codec.py [--seconds 4]
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from struct import Struct

from sumun.spop import (
    AgentConnection,
    HaproxyHello,
    Message,
    Notify,
    Scope,
    SetVar,
    Value,
    encode_variables,
)
from sumun.spop.frames import encode_notify
from sumun.spop.hello import encode_haproxy_hello

FRAMES_IN_A_READ = 200

QUESTION: dict[str, Value] = {  # message `ask` of docs/architecture.md
    "gen": "17",
    "route": "products_list",
    "lst": "public",
    "kind": "bearer",
    "cred": "smn_at_" + "k" * 49,
    "stream": None,
    "kept": None,
}
LONG_QUESTION: dict[str, Value] = QUESTION | {"cred": "e" * 900}  # a JWT
ALLOWED: dict[str, Value] = {
    "allow": True,
    "fact": "||opaque;user;;*:*|user:alice|01JD4N0Q4W7Z|shop-app|alice|%EA%B9%80%EB%AF%BC%EC%A7%80",
    "rights": "|admin|product:create,product:delete,product:read",
}
ALLOWED_ACTIONS = tuple(SetVar(Scope.TRANSACTION, name, value) for name, value in ALLOWED.items())
REFUSED: dict[str, Value] = {
    "status": 401,
    "code": "invalid_token",
    "title": "The access token is not valid, has expired or was revoked",
    "challenge": 'Bearer realm="sumun", error="invalid_token"',
}


def microseconds_each(work: Callable[[], object], each: int, seconds: float) -> float:
    """The best round in `seconds`, divided by `each`: the round with the least noise of others on the machine."""
    best = float("inf")
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return best / each * 1e6


def asked_and_read() -> tuple[AgentConnection, Notify]:
    """A connection that has said hello, and a question read from it."""
    agent = AgentConnection()
    agent.receive(encode_haproxy_hello(HaproxyHello("2.0", 32_764, frozenset({"pipelining"}))))
    agent.agent_hello()
    (question,) = agent.receive(encode_notify(9000, 1, (Message("ask", QUESTION),)))
    if not isinstance(question, Notify):
        raise TypeError(question)
    return agent, question


def reading() -> dict[str, Callable[[], object]]:
    """Ways to take in FRAMES_IN_A_READ questions."""
    agent, _ = asked_and_read()
    length = Struct("!I").unpack_from
    read, long_read = (
        b"".join(encode_notify(9000 + n, 1, (Message("ask", args),)) for n in range(FRAMES_IN_A_READ))
        for args in (QUESTION, LONG_QUESTION)
    )

    def floor() -> None:
        position = 0
        while position < len(read):
            (size,) = length(read, position)
            read[position + 4 : position + 4 + size]
            position += 4 + size

    def pieces() -> None:
        for position in range(0, len(read), 1000):
            agent.receive(read[position : position + 1000])

    return {
        "floor_decode": floor,
        "decode_notify": lambda: agent.receive(read),
        "decode_notify_jwt": lambda: agent.receive(long_read),
        "decode_notify_in_reads_of_1000_bytes": pieces,
    }


def writing() -> dict[str, Callable[[], object]]:
    """Ways to give FRAMES_IN_A_READ answers."""
    agent, question = asked_and_read()
    ready = encode_variables(ALLOWED)

    def repeat(work: Callable[[], object]) -> Callable[[], None]:
        def works() -> None:
            for _ in range(FRAMES_IN_A_READ):
                work()

        return works

    return {
        "floor_encode": repeat(lambda: b"".join((b"\0\0\0\7\x67\0\0\0\1", question.reference, ready))),
        "encode_ack_allowed": repeat(lambda: agent.ack(question, encode_variables(ALLOWED))),
        "encode_ack_refused": repeat(lambda: agent.ack(question, encode_variables(REFUSED))),
        "encode_ack_allowed_from_actions": repeat(lambda: agent.ack(question, ALLOWED_ACTIONS)),
        "encode_ack_ready_made": repeat(lambda: agent.ack(question, ready)),
    }


def measure(seconds: float) -> dict[str, float]:
    """Microseconds for one question, by what was done."""
    works = reading() | writing()
    return {
        name: microseconds_each(work, FRAMES_IN_A_READ, seconds / len(works)) for name, work in works.items()
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long to measure in all")
    found = measure(parser.parse_args().seconds)
    whole = found["decode_notify"] + found["encode_ack_allowed"]
    floor = found["floor_decode"] + found["floor_encode"]
    report = {
        "python": platform.python_version(),
        "notify_bytes": len(encode_notify(9000, 1, (Message("ask", QUESTION),))),
        "arguments": len(QUESTION),
        "actions": len(ALLOWED),
        "microseconds": {name: round(value, 3) for name, value in found.items()},
        "microseconds_per_question": round(whole, 2),
        "ratio_to_floor": round(whole / floor, 1),
    }
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
