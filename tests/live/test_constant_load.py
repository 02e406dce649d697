"""The load at a constant rate, with which `bench/half_load.py` measures what callers wait."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.side_by_side.steady import CONNECTIONS, Spell, requests_of

RATE, SECONDS, STALL_SECONDS = 400, 1.0, 0.6
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def service_that_hangs_once(after: int) -> Iterator[int]:
    """Answers everybody from one thread, and does nothing for a while after so many answers. Gives its port."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=2 * CONNECTIONS)
    turn = threading.Lock()
    answered = 0

    def serve(one: socket.socket) -> None:
        nonlocal answered
        with one:
            while one.recv(65536):
                with turn:
                    answered += 1
                    if answered == after:
                        time.sleep(STALL_SECONDS)
                one.sendall(ANSWER)

    def accept() -> None:
        for _ in range(CONNECTIONS):
            threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield listening.getsockname()[1]
    finally:
        accepting.join(10)
        listening.close()


def test_calls_that_were_due_while_nobody_answered_count() -> None:
    """A service that hangs for 0.6 s of 1 s shows in the median: in the calls that were due, not in one a connection."""
    with service_that_hangs_once(after=100) as port:
        found = Spell(port, RATE, requests_of(None, int(RATE * SECONDS), 0, 1)).run()
    assert (found.calls, found.refused, found.broken) == (RATE * SECONDS, 0, 0)
    assert found.longest >= STALL_SECONDS * 1e6
    # 240 of 400 calls were due meanwhile, and 200 of those waited 0.1 s or more.
    assert found.p50 >= 50_000
