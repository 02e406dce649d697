"""What one question costs in Python: NOTIFY bytes -> values, answer -> ACK bytes. Prints one JSON object.

The floor is the least Python could do with the same bytes: find each frame by its length and slice it, and build each
answer by joining bytes that are ready. `ratio` is cost over floor, so that it means something on another machine, too.

    python bench/spop_codec.py [--seconds 4]
"""

# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from struct import Struct

from sumun.spop import AgentConnection, HaproxyHello, Message, Notify, Scope, SetVar, Value, encode_actions
from sumun.spop.frames import encode_notify
from sumun.spop.hello import encode_haproxy_hello

FRAMES_IN_A_READ = 200
TXN = Scope.TRANSACTION

QUESTION: dict[str, Value] = {  # message `ask` of docs/architecture.md
    "gen": "17",
    "route": "products_list",
    "lst": "public",
    "kind": "bearer",
    "cred": "smn_at_" + "k" * 49,
    "id": "7F000001-1F90-0001-6812F3A4",
    "src": IPv4Address("127.0.0.1"),
    "grpc": False,
}
LONG_QUESTION: dict[str, Value] = QUESTION | {"cred": "e" * 900}  # a JWT
ALLOWED = (
    SetVar(TXN, "allow", True),
    SetVar(TXN, "user_id", "alice"),
    SetVar(TXN, "user_name", "%EA%B9%80%EB%AF%BC%EC%A7%80"),
    SetVar(TXN, "user_roles", "admin"),
    SetVar(TXN, "user_permissions", "product:create,product:delete,product:read"),
    SetVar(TXN, "client_id", "shop-app"),
    SetVar(TXN, "token_id", "01JD4N0Q4W7Z"),
    SetVar(TXN, "who", "user:alice"),
)
REFUSED = (
    SetVar(TXN, "status", 401),
    SetVar(TXN, "code", "invalid_token"),
    SetVar(TXN, "title", "The token is not valid."),
    SetVar(TXN, "challenge", 'Bearer realm="sumun", error="invalid_token"'),
)


def microseconds_each(work: Callable[[], object], each: int, seconds: float) -> float:
    """The best round in `seconds`, divided by `each`: the round with the least noise of others on the machine."""
    best = float("inf")
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return best / each * 1e6


def connection() -> AgentConnection:
    """One that has said hello."""
    agent = AgentConnection()
    agent.receive(encode_haproxy_hello(HaproxyHello("2.0", 32_764, frozenset({"pipelining"}))))
    agent.agent_hello()
    return agent


def measure(seconds: float) -> dict[str, float]:
    """Microseconds for one question, by what was done."""
    length = Struct("!I").unpack_from
    read = b"".join(encode_notify(9000 + n, 1, (Message("ask", QUESTION),)) for n in range(FRAMES_IN_A_READ))
    long_read = b"".join(
        encode_notify(9000 + n, 1, (Message("ask", LONG_QUESTION),)) for n in range(FRAMES_IN_A_READ)
    )
    agent = connection()
    question = agent.receive(encode_notify(9000, 1, (Message("ask", QUESTION),)))[0]
    if not isinstance(question, Notify):
        raise TypeError(question)
    ready = encode_actions(ALLOWED)

    def floor_decode() -> None:
        position = 0
        while position < len(read):
            (size,) = length(read, position)
            read[position + 4 : position + 4 + size]
            position += 4 + size

    def floor_encode() -> None:
        for _ in range(FRAMES_IN_A_READ):
            b"".join((b"\0\0\0\7\x67\0\0\0\1", question.reference, ready))

    def encode(actions: tuple[SetVar, ...] | bytes) -> Callable[[], None]:
        def work() -> None:
            for _ in range(FRAMES_IN_A_READ):
                agent.ack(question, actions)

        return work

    def pieces() -> None:
        for position in range(0, len(read), 1000):
            agent.receive(read[position : position + 1000])

    works: dict[str, Callable[[], object]] = {
        "floor_decode": floor_decode,
        "decode_notify": lambda: agent.receive(read),
        "decode_notify_jwt": lambda: agent.receive(long_read),
        "decode_notify_in_pieces_of_1000_bytes": pieces,
        "floor_encode": floor_encode,
        "encode_ack_allowed": encode(ALLOWED),
        "encode_ack_refused": encode(REFUSED),
        "encode_ack_ready_made": encode(ready),
    }
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
