"""A real HAProxy chooses the route, and says the `Allow`, of the slow and obvious rule (`config.precedence`)."""

from __future__ import annotations

import json
import random
import socket
from pathlib import Path

from sumun.access import Access
from sumun.config.plan import METHODS, OWN_PATHS, Plan, Route
from sumun.config.precedence import find
from tests.live.gate_wire import parse
from tests.live.gate_world import World, gate_of
from tests.live.ports import free_ports
from tests.unit.haproxy.plans import plan, route, service

HOSTS = ("", "a.test", "b.test", *(f"h{n}.test" for n in range(12)))
WORDS = ("a", "b", "c", "new", "v1", "aa", "%EA%B9%80", "a.b", "A")
ROUTES = 400
REQUESTS = 3000


def random_routes(chance: random.Random) -> list[Route]:
    """Routes that shadow, fall back and overlap; no two with one host, shape and method."""
    routes: list[Route] = []
    taken: set[tuple[str, str, str]] = set()
    while len(routes) < ROUTES:
        parts = [chance.choice([*WORDS[:6], "{}", "{}"]) for _ in range(chance.randint(0, 5))]
        if chance.random() < 0.2:
            parts = [*(part for part in parts if part != "{}"), "**"]
        shape, host = "/" + "/".join(parts), chance.choice(HOSTS)
        methods = tuple(sorted(chance.sample(METHODS, chance.randint(1, 3)))) if chance.random() < 0.8 else ()
        keys = {(host, shape, method) for method in methods or METHODS}
        if taken & keys or (parts and f"/{parts[0]}" in OWN_PATHS):
            continue
        taken |= keys
        path = "/" + "/".join(f"{{p{n}}}" if part == "{}" else part for n, part in enumerate(parts))
        access = chance.choice([Access.PUBLIC, Access.PUBLIC, Access.INTERNAL])
        routes.append(route(f"r{len(routes)}", path, "s", *methods, host=host, access=access))
    return routes


def test_random_routes(haproxy: Path) -> None:
    """For hundreds of random routes and thousands of random requests, both listeners choose as the slow rule does."""
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    routes = random_routes(chance)

    def make(here: World) -> Plan:
        public, internal = free_ports(2)
        return plan(public, [service("s", here.echo.port)], routes, internal=internal)

    with gate_of(haproxy, make) as gate:
        assert gate.plan is not None
        assert gate.plan.internal is not None
        expected: list[tuple[str, str]] = []
        for address in (gate.plan.listen, gate.plan.internal):
            inside = address is gate.plan.internal
            with socket.create_connection(("127.0.0.1", address.port), timeout=60) as connection:
                for _ in range(REQUESTS // 2):
                    check_one(connection, expected, routes, chance, inside, f"seed {seed}")
        assert len(expected) > REQUESTS // 10, "too few requests found a route: the test would prove little"
        gate.do(gate.stop())  # every line is written now
        chosen = {line["id"]: line["route"] for line in gate.log()}
        assert {request: chosen[request] for request, _ in expected} == dict(expected), f"seed {seed}"


def check_one(
    connection: socket.socket,
    expected: list[tuple[str, str]],
    routes: list[Route],
    chance: random.Random,
    inside: bool,
    seed: str,
) -> None:
    """One request on a kept connection; which route it took is read off the access log later."""
    host, method = chance.choice([*HOSTS[1:], "other.test", "B.Test:80"]), chance.choice(METHODS)
    path = "/" + "/".join(chance.choice(WORDS) for _ in range(chance.randint(0, 6)))
    if path != "/" and chance.random() < 0.1:
        path += "/"
    name = host.lower().partition(":")[0]
    connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    status, headers, body = read_answer(connection, method)
    wanted = find(routes, name, method, path, internal=inside)
    allowed = [m for m in METHODS if find(routes, name, m, path, internal=inside)]
    said = (seed, inside, host, method, path)
    if wanted is not None:
        assert status == 200, said
        if method != "HEAD":
            assert json.loads(body)["line"] == f"{method} {path} HTTP/1.1"
        expected.append((headers["x-request-id"], wanted.id))
    elif not inside and find(routes, name, method, path, internal=True) is not None:
        assert status == 404, said
    else:
        assert (status, headers.get("allow", "")) == ((405, ", ".join(allowed)) if allowed else (404, "")), (
            said
        )


def read_answer(connection: socket.socket, method: str) -> tuple[int, dict[str, str], bytes]:
    """One response of a kept connection."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        assert part, "the gate closed a kept connection"
        received += part
    answer = parse(received)
    headers = {key.lower(): value for key, value in answer.headers}
    body, length = answer.body, 0 if method == "HEAD" else int(headers.get("content-length", "0"))
    while len(body) < length:
        body += connection.recv(65536)
    return answer.status, headers, body
