"""Load by wrk, and what the gateway's processes spent on it."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 32
AFTERWARDS_SECONDS = 0.3
"""Processes behind the answer (the keeper) may still be at work when the last answer was given."""

_SCRIPT = """
local env = os.getenv
local function read(name)
  local file = io.open(env(name))
  local data = file:read("*a")
  file:close()
  return data
end
local tokens, width, count = read("TOKENS"), tonumber(env("WIDTH")), tonumber(env("COUNT"))
local junk, junk_width, share = read("JUNK"), 56, tonumber(env("JUNK_SHARE"))
local pick, next_one, extra = env("PICK"), tonumber(env("FIRST")), env("EXTRA")
local random, floor, format = math.random, math.floor, string.format
math.randomseed(tonumber(env("SEED")))
local paths = {"/products", "/products/%d", "/orders/%d/items/%d", "/shops/%d/shelves/%d/label"}
local function line(data, n, w) return data:sub(n * w + 1, n * w + w) end
local function token()
  if share > 0 and random() < share then
    if random() < 0.5 then return "smn_at_nonsense" .. random(1, 99999999) end
    return line(junk, random(0, #junk / junk_width - 1), junk_width)
  end
  if pick == "one" then return line(tokens, 0, width) end
  if pick == "uniform" then return line(tokens, random(0, count - 1), width) end
  if pick == "zipf" then return line(tokens, floor(count ^ random()) - 1, width) end
  next_one = next_one + 1
  if pick == "back" then return line(tokens, (count - next_one) % count, width) end
  return line(tokens, (next_one - 1) % count, width)
end
request = function()
  local path = format(paths[random(4)], random(1, 99999999), random(1, 99999999))
  return "GET " .. path .. " HTTP/1.1\\r\\nHost: 127.0.0.1:8080\\r\\n"
    .. "User-Agent: curl/7.88.1\\r\\nAccept: application/json\\r\\n"
    .. "Accept-Encoding: gzip\\r\\n" .. extra .. "Authorization: Bearer " .. token() .. "\\r\\n\\r\\n"
end
done = function(s, latency)
  io.write(format("RESULT %d %d %d %d %d %d\\n", s.requests, s.duration, s.errors.status,
    s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A file of `count` tokens of `width` bytes each, nothing between them."""

    file: Path
    width: int
    count: int


@dataclass(frozen=True, slots=True)
class Load:
    """Who calls.

    pick    `one` token, `uniform` over all, `zipf` (exponent 1) over all, `each` once in order, `back` from the end
    odd     a header that makes the request odd, so that it is always asked about
    junk    share of requests with a token that proves nothing
    """

    tokens: Tokens
    pick: str = "one"
    odd: bool = False
    junk: float = 0.0


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one round. CPU in microseconds a request, by process; latencies in microseconds."""

    requests: int
    per_second: float
    refused: int
    broken: int
    p50: int
    p99: int
    cpu: Mapping[str, float]

    @property
    def whole(self) -> float:
        return sum(self.cpu.values())


def run(
    port: int,
    load: Load,
    processes: Callable[[], Mapping[str, int]],
    *,
    folder: Path,
    seconds: int,
    core: int,
    junk: Path | None = None,
    first: int = 0,
    seed: int = 1,
) -> Round:
    """One round of so many seconds against this port. `junk`: a file of tokens that nobody issued."""
    script = folder / "load.lua"
    script.write_text(_SCRIPT)
    env = {
        **os.environ,
        "TOKENS": str(load.tokens.file),
        "WIDTH": str(load.tokens.width),
        "COUNT": str(load.tokens.count),
        "JUNK": str(junk or load.tokens.file),
        "JUNK_SHARE": str(load.junk),
        "PICK": load.pick,
        "FIRST": str(first),
        "SEED": str(seed),
        "EXTRA": "X-Forwarded-For: 192.0.2.1\r\n" if load.odd else "",
    }
    words = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script)]
    named = processes()
    before = {name: cpu_microseconds(pid) for name, pid in named.items()}
    said = subprocess.run(
        [*words, f"http://127.0.0.1:{port}/"], env=env, capture_output=True, text=True, check=True
    ).stdout
    time.sleep(AFTERWARDS_SECONDS)
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", said)
    assert found, said
    requests, duration, refused, broken, p50, p99 = map(int, found.groups())
    cpu = {name: (cpu_microseconds(pid) - before[name]) / requests for name, pid in named.items()}
    return Round(requests, requests / duration * 1e6, refused, broken, p50, p99, cpu)


def cpu_microseconds(pid: int) -> float:
    """On-CPU time of all threads of a process, from the scheduler (nanoseconds there)."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((one / "schedstat").read_text().split()[0]) for one in threads) / 1000
