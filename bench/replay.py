"""What a replay costs: a million logged calls against another file, as `sumun replay` reads them.

Six shapes of routes, four sorts of rights, 100,000 people, one call in a hundred asked and the others kept; half of
the routes changed. Prints one JSON object; `seconds` must stay at or below 60.

    python -m bench.replay [--calls 1000000] [--routes 1000]
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from time import perf_counter

from sumun.access.profile import id_of

SHAPES = ("/{0}", "/{0}/{{id}}", "/{0}/{{id}}/reviews", "/{0}/v1/{{id}}", "/v1/{0}/{{id}}", "/files/{0}/**")
HELD = ("opaque;user;;*:*", "opaque;admin;;*:*", "opaque;user;a:read;a:*,role:*", "jwt;user;;*:*")
MOST_SECONDS = 60.0


def yaml(routes: int, *, strict: bool) -> str:
    """A file with so many routes; `strict` asks for more on every second one."""
    lines = [
        'services: {shop: {url: "http://127.0.0.1:9101"}}',
        'roles: {user: ["a:read"], admin: ["a:*"]}',
        'clients: [{id: app, kind: public, first_party: true, grants: [password], scopes: ["*:*"]}]',
        "routes:",
    ]
    for number in range(routes):
        path = SHAPES[number % len(SHAPES)].format(f"r{number}")
        require = "a:write" if strict and number % 2 else "a:read"
        lines.append(f'- {{path: "{path}", methods: [GET], service: shop, require: {require}}}')
    return "\n".join(lines) + "\n"


def write_log(file: Path, calls: int, routes: int) -> None:
    """So many lines, all of calls that were let through."""
    chance = random.Random(1)
    line = {
        "t": 1790000000.5, "id": "", "src": "192.0.2.7", "lst": "public", "m": "GET", "host": "shop.test",
        "path": "", "route": "-", "be": "", "st": 200, "code": "-", "why": "-", "who": "", "client": "app",
        "held": "", "bytes": 512, "ask": "-", "tr": 0, "tw": 0, "tc": 0, "ts": 1, "ta": 1, "end": "--",
    }  # fmt: skip
    with file.open("w", encoding="ascii") as out:
        for number in range(calls):
            route, held = chance.randrange(routes), chance.choice(HELD)
            asked = number % 100 == 0
            path = (
                SHAPES[route % len(SHAPES)]
                .format(f"r{route}")
                .replace("{id}", str(number))
                .replace("**", f"f/{number}")
            )
            line |= {
                "id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
                "path": path,
                "route": f"r{route}",
                "be": "ask.shop" if asked else "known.shop",
                "who": f"user:p{chance.randrange(100_000)}",
                "held": held if asked else id_of(held),
            }
            out.write(json.dumps(line, separators=(",", ":")) + "\n")


def measure(calls: int, routes: int) -> dict[str, object]:
    """One replay by the command line, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        log, new = Path(folder) / "access.log", Path(folder) / "new.yaml"
        write_log(log, calls, routes)
        new.write_text(yaml(routes, strict=True))
        command = [sys.executable, "-m", "sumun", "replay", str(log), "--against", str(new), "--json"]
        began = perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = perf_counter() - began
        if done.returncode != 1:
            raise SystemExit(f"it ended with {done.returncode}: {done.stderr}")
        summary = json.loads(done.stdout.splitlines()[-1])
        size = log.stat().st_size
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "calls": calls,
        "routes": routes,
        "log_megabytes": round(size / 1e6),
        "changed": summary["changed"],
        "replayed": summary["replayed"],
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "microseconds_a_call": round(seconds / calls * 1e6, 1),
        "peak_megabytes": round(used.ru_maxrss / 1024),
        "within_60_s": seconds <= MOST_SECONDS,
    }


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--calls", type=int, default=1_000_000)
    options.add_argument("--routes", type=int, default=1000)
    wanted = options.parse_args()
    print(json.dumps(measure(wanted.calls, wanted.routes), indent=2))


if __name__ == "__main__":
    main()
