"""Calls at a constant rate, whatever the answers do: what a caller waits, from the moment at which its call was due.

    python -m bench.side_by_side.steady PORT RATE SECONDS [--tokens FILE]      (by hand; prints JSON, times in µs)

wrk sends the next request when the last one is answered. So it asks less while the gateway is slow, and the calls that
would have waited are never made (coordinated omission). Here each call has its moment, `number / rate`, from the
beginning on. It is sent then, on a connection that is free, or as soon as one is; and it is timed from its moment. So
waiting for a connection counts, and so does being sent late by this program: `late` says how much of that there was.

One thread: `select` (microseconds) on an epoll of all connections; requests are made before the first is due.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import random
import select
import socket
import subprocess
import sys
import time
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.side_by_side.load import Load, Tokens

CONNECTIONS = 128
DRAIN_SECONDS = 5.0
_PR_SET_TIMERSLACK = 29
_PATHS = ("/products", "/products/%d", "/orders/%d/items/%d", "/shops/%d/shelves/%d/label")


@dataclass(frozen=True, slots=True)
class Waits:
    """What came of one spell. Times in microseconds, from the moment a call was due.

    late     p99 of how late this program sent the calls for which a connection was free: part of their wait
    queued   calls that had to wait for a connection
    busy     how much of its core this program used
    """

    calls: int
    refused: int
    broken: int
    p50: float
    p99: float
    p999: float
    longest: float
    late: float
    queued: int
    busy: float


def requests_of(load: Load | None, count: int, first: int, seed: int) -> list[bytes]:
    """Ready-made requests of the same shapes as wrk's (`load.py`). No load: without a token."""
    chance = random.Random(seed)
    extra = "X-Forwarded-For: 192.0.2.1\r\n" if load is not None and load.odd else ""
    tokens = load.tokens.file.read_text() if load is not None else ""
    made = []
    for number in range(count):
        path = _PATHS[chance.randrange(4)]
        path = path.replace("%d", str(chance.randrange(1, 10**8)))
        bearer = ""
        if load is not None:
            start = _which(load, first + number, chance) * load.tokens.width
            bearer = f"Authorization: Bearer {tokens[start : start + load.tokens.width]}\r\n"
        made.append(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\n"
            f"Accept: application/json\r\nAccept-Encoding: gzip\r\n{extra}{bearer}\r\n".encode()
        )
    return made


def _which(load: Load, number: int, chance: random.Random) -> int:
    count = load.tokens.count
    match load.pick:
        case "one":
            return 0
        case "uniform":
            return chance.randrange(count)
        case "zipf":
            return int(count ** chance.random()) - 1
        case _:
            return number % count


class Spell:
    """One run of calls. `requests[n]` is due `n / rate` seconds after the beginning."""

    def __init__(self, port: int, rate: float, requests: Sequence[bytes]) -> None:
        """Connect."""
        self._rate = rate
        self._requests = requests
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._free: deque[int] = deque()
        for _ in range(CONNECTIONS):
            one = socket.create_connection(("127.0.0.1", port))
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.setblocking(False)
            self._poll.register(one.fileno(), select.EPOLLIN)
            self._sockets[one.fileno()] = one
            self._free.append(one.fileno())
        self._due: dict[int, float] = {}
        self._halves: dict[int, bytes] = {}
        self._waits = array("d")
        self._lates = array("d")
        self._refused = self._broken = self._queued = 0

    def run(self) -> Waits:
        """Send all of them at their moments, wait for the answers."""
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)  # nanoseconds; a process has 50 µs otherwise
        gc.disable()
        clock, period, count = time.perf_counter, 1 / self._rate, len(self._requests)
        busy = time.process_time()
        began = clock() + 0.001
        sent, due, free_since = 0, began, began
        while sent < count:
            now = clock()
            while sent < count and (due := began + sent * period) <= now and self._free:
                self._send(sent, due, queued=due < free_since)
                sent += 1
            if self._free:
                self._receive(max(0.0, due - clock()))
            else:
                self._receive(1.0)
                free_since = clock()
                if free_since > began + count * period + DRAIN_SECONDS:
                    break
        busy = (time.process_time() - busy) / (clock() - began)
        until = clock() + DRAIN_SECONDS
        while self._due and clock() < until:
            self._receive(0.1)
        gc.enable()
        return self._found(count - sent + len(self._due), busy)

    def _send(self, number: int, due: float, *, queued: bool) -> None:
        fd = self._free.popleft()
        self._due[fd] = due
        self._sockets[fd].send(self._requests[number])
        if queued:
            self._queued += 1
        else:
            self._lates.append(time.perf_counter() - due)

    def _receive(self, seconds: float) -> None:
        """Take what has come, or comes within so many seconds."""
        if seconds > 0 and not select.select((self._poll,), (), (), seconds)[0]:
            return
        for fd, _ in self._poll.poll(0):
            data = self._sockets[fd].recv(65536)
            if not data:
                self._lose(fd)
                continue
            data = self._halves.pop(fd, b"") + data
            if not _is_whole(data):
                self._halves[fd] = data
                continue
            self._waits.append(time.perf_counter() - self._due.pop(fd))
            self._refused += data[9:10] not in b"23"
            self._free.append(fd)

    def _lose(self, fd: int) -> None:
        self._broken += self._due.pop(fd, None) is not None
        self._poll.unregister(fd)
        self._sockets.pop(fd).close()
        if fd in self._free:
            self._free.remove(fd)
        if not self._sockets:
            raise SystemExit("every connection was closed")

    def _found(self, unanswered: int, busy: float) -> Waits:
        for one in self._sockets.values():
            one.close()
        waits = sorted(self._waits)
        return Waits(
            calls=len(waits),
            refused=self._refused,
            broken=self._broken + unanswered,
            p50=_share(waits, 0.5),
            p99=_share(waits, 0.99),
            p999=_share(waits, 0.999),
            longest=_share(waits, 1),
            late=_share(sorted(self._lates), 0.99),
            queued=self._queued,
            busy=round(busy, 3),
        )


def _is_whole(data: bytes) -> bool:
    """A response with a Content-Length, all of it."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return False
    at = data.lower().find(b"content-length:", 0, end)
    return at >= 0 and len(data) >= end + 4 + int(data[at + 15 : data.find(b"\r", at)])


def _share(values: Sequence[float], share: float) -> float:
    """The value, in microseconds, below which this share of all lies."""
    return round(values[int(share * (len(values) - 1))] * 1e6, 1) if values else float("inf")


def run(
    port: int,
    load: Load | None,
    *,
    rate: float,
    seconds: float,
    core: int,
    first: int = 0,
    seed: int = 1,
) -> Waits:
    """One spell, in a process of its own on this core."""
    words = ["taskset", "-c", str(core), sys.executable, "-m", "bench.side_by_side.steady"]
    words += [str(port), str(rate), str(seconds), "--first", str(first), "--seed", str(seed)]
    if load is not None:
        words += [
            "--tokens",
            str(load.tokens.file),
            "--width",
            str(load.tokens.width),
            "--count",
            str(load.tokens.count),
        ]
        words += ["--pick", load.pick, *(["--odd"] if load.odd else [])]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return Waits(**json.loads(said))


def main() -> None:
    """Be that process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("rate", type=float)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--tokens", type=Path)
    parser.add_argument("--width", type=int, default=56)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--pick", default="one", choices=("one", "uniform", "zipf", "each"))
    parser.add_argument("--odd", action="store_true")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    said = parser.parse_args()
    load = None
    if said.tokens is not None:
        load = Load(Tokens(said.tokens, said.width, said.count), said.pick, said.odd)
    requests = requests_of(load, int(said.rate * said.seconds), said.first, said.seed)
    found = Spell(said.port, said.rate, requests).run()
    print(json.dumps({name: getattr(found, name) for name in Waits.__slots__}))


if __name__ == "__main__":
    main()
