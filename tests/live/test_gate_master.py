"""HAProxy's life under sumun: started, reloaded with a verdict, stopped without a trace; and what is said when it cannot be."""

from __future__ import annotations

import dataclasses
import logging
import os
import pwd
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sumun.access import Access
from sumun.config.plan import Plan, Route, Service
from sumun.haproxy import Files, RuntimePaths, check, find_program, install, make_current, render
from sumun.haproxy.errors import ReloadRefusedError, RuntimeSocketError
from sumun.haproxy.known import FACTS
from sumun.haproxy.runtime import RuntimeSocket
from sumun.haproxy.runtime_commands import to_worker
from sumun.haproxy.sections import Line
from sumun.keeper.commands import Keep
from sumun.keeper.worker_socket import WorkerSocket
from sumun.node.errors import PartFailedError
from tests.live.gate_wire import GOOD, request, shake_hands
from tests.live.gate_world import World, gate_of
from tests.live.ports import free_ports
from tests.unit.haproxy.plans import YAML, plan, route, service

HANDSHAKE = (
    b" HTTP/1.1\r\nHost: gate.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def make_plan(here: World) -> Plan:
    """One protected and one public route."""
    public, operator = free_ports(2)
    routes = [route("asked", "/asked/**", "s"), route("open", "/open/**", "s", access=Access.PUBLIC)]
    return plan(public, [service("s", here.echo.port)], routes, operator=operator)


@pytest.fixture
def gate(haproxy: Path) -> Iterator[World]:
    """A gate of its own for each test."""
    with gate_of(haproxy, make_plan) as here:
        yield here


def port(gate: World) -> int:
    """The public listener's."""
    assert gate.plan is not None
    return gate.plan.listen.port


def with_routes(gate: World, *more: Route) -> Plan:
    """The gate's plan with more routes."""
    assert gate.plan is not None
    return dataclasses.replace(gate.plan, routes=(*gate.plan.routes, *more))


def test_reload(gate: World) -> None:
    """A reload brings the new routes and the new generation number; the old worker leaves."""
    before = gate.do(gate.sockets.processes())
    assert request(port(gate), "GET", "/new").status == 404
    gate.prepare(with_routes(gate, route("new", "/new", "s")))
    after = gate.do(gate.sockets.reload())
    assert after.newest not in (None, before.newest)
    assert request(port(gate), "GET", "/new", [GOOD]).status == 200
    assert gate.questions[-1]["gen"] == "2"
    deadline = time.monotonic() + 60
    while gate.do(gate.sockets.processes()).old_workers:
        assert time.monotonic() < deadline, "the old worker stays"


def test_what_one_worker_is_to_keep_reaches_no_other(gate: World) -> None:
    """A fact for the worker that served before a reload is never the next one's, whoever listens on the socket by then."""
    before = gate.do(gate.sockets.processes()).newest
    assert before is not None
    gate.prepare(with_routes(gate, route("new", "/new", "s")))
    after = gate.do(gate.sockets.reload()).newest
    assert after is not None
    facts = tuple((f"{number:064X}", "1|1|p|user:a|t|c|a|A") for number in range(500))

    def keep(worker: int) -> None:
        straight = WorkerSocket(gate.paths.master, worker, gate.paths.runtime)
        gate.do(straight.carry_out(Keep(FACTS[0], facts)))

    with suppress(RuntimeSocketError):  # it may have ended
        keep(before)
    assert _rows(gate, after) == 0
    keep(after)
    assert _rows(gate, after) == len(facts)


def _rows(gate: World, worker: int) -> int:
    """How many facts it has."""
    answer = gate.do(RuntimeSocket(gate.paths.master).ask(to_worker(worker, f"show map {FACTS[0]}")))
    return len(answer.split("\n")) - 2 if answer.strip() else 0


def test_reload_refused(gate: World, caplog: pytest.LogCaptureFixture) -> None:
    """A configuration that does not load changes nothing, and HAProxy's complaint is in our log."""
    caplog.set_level(logging.INFO, "sumun.part.haproxy")
    assert gate.plan is not None
    files = render(gate.plan, 2, gate.paths)
    broken = [
        dataclasses.replace(f, lines=(*f.lines, Line("bogus"))) if f.name == "haproxy.cfg" else f
        for f in files.files
    ]
    folder = install(Files(2, tuple(broken)), gate.folder / "generations")
    make_current(folder, gate.folder / "current")
    with pytest.raises(ReloadRefusedError, match="stays in force"):
        gate.do(gate.sockets.reload())
    until(lambda: any("unknown keyword 'bogus'" in record.getMessage() for record in caplog.records))
    assert request(port(gate), "GET", "/asked/x", [GOOD]).status == 200
    assert gate.questions[-1]["gen"] == "1"
    gate.generation = 2
    gate.prepare(with_routes(gate, route("new", "/new", "s")))
    gate.do(gate.sockets.reload())
    assert request(port(gate), "GET", "/new", [GOOD]).status == 200
    assert gate.questions[-1]["gen"] == "3"


def test_reload_under_load(gate: World) -> None:
    """No request on a kept connection is lost while HAProxy is reloaded again and again."""
    connections = [socket.create_connection(("127.0.0.1", port(gate)), timeout=60) for _ in range(8)]
    answered = 0
    for round_number in range(5):
        gate.prepare(with_routes(gate))
        reloading = gate.later(gate.sockets.reload())
        while not reloading.done() or round_number == answered:
            for number, connection in enumerate(connections):
                connection.sendall(b"GET /open/x HTTP/1.1\r\nHost: gate.test\r\n\r\n")
                received = connection.recv(65536)
                assert received.startswith(b"HTTP/1.1 200 "), received
                while b'"line"' not in received:
                    received += connection.recv(65536)
                answered += 1
                if b"connection: close" in received.lower():
                    connection.close()
                    connections[number] = socket.create_connection(("127.0.0.1", port(gate)), timeout=60)
        reloading.result()
    for connection in connections:
        connection.close()
    assert answered > 20


def test_stream_outlives_a_reload(gate: World) -> None:
    """What a worker has open goes on in the old worker, which is listed until it is done."""
    with socket.create_connection(("127.0.0.1", port(gate)), timeout=60) as chat:
        chat.sendall(b"GET /open/chat" + HANDSHAKE + b"\r\n")
        assert b" 101 " in chat.recv(4096)
        gate.prepare(with_routes(gate))
        gate.do(gate.sockets.reload())
        chat.sendall(b"still there")
        assert chat.recv(4096) == b"still there"
        assert len(gate.do(gate.sockets.processes()).old_workers) == 1


def test_stop_leaves_nothing(gate: World) -> None:
    """After a stop no process of HAProxy is left, and nobody listens."""
    processes = gate.do(gate.sockets.processes())
    gate.do(gate.stop_haproxy())
    for pid in (processes.master, *processes.workers):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port(gate)))


def test_stop_lets_requests_finish(gate: World) -> None:
    """What is under way is finished first, if it does not take longer than a stop waits."""
    assert gate.haproxy is not None
    (told, _), *last = gate.haproxy.spec.stop_steps
    gate.haproxy.spec = dataclasses.replace(gate.haproxy.spec, stop_steps=((told, 8.0), *last))
    with socket.create_connection(("127.0.0.1", port(gate)), timeout=60) as connection:
        connection.sendall(
            b"GET /open/events HTTP/1.1\r\nHost: gate.test\r\nAccept: text/event-stream\r\n\r\n"
        )
        received = connection.recv(4096)
        stopping = gate.later(gate.stop_haproxy())
        while part := connection.recv(4096):
            received += part
        stopping.result(10)
    assert b"data: second" in received


def test_address_taken_by_another_haproxy(gate: World, haproxy: Path) -> None:
    """Two gates never share a port in silence, even if nobody looked before the start."""
    with gate_of(haproxy, None) as other:
        other.prepare(plan(port(gate), [service("s", 1)], [route("r", "/x", "s")]))
        with pytest.raises(PartFailedError, match=rf"ended while starting .*{port(gate)}"):
            other.do(other.start(haproxy))


def test_does_not_start(haproxy: Path) -> None:
    """When HAProxy ends at once, what it complained about is repeated, and nothing of it is left."""
    with gate_of(haproxy, None) as here:
        here.prepare(make_plan(here))
        (here.folder / "current" / "spoe.conf").unlink()
        with pytest.raises(PartFailedError, match=r"ended while starting .*spoe\.conf"):
            here.do(here.start(haproxy))
        assert here.haproxy is not None
        assert here.haproxy.pid is None


def test_nobody_answers(socket_folder: Path) -> None:
    """Asking a HAProxy that is not there says which socket did not answer."""
    with gate_of(Path("none"), None) as here:
        from sumun.haproxy.runtime import RuntimeSocket

        with pytest.raises(RuntimeSocketError, match=r"haproxy\.sock"):
            here.do(RuntimeSocket(socket_folder / "haproxy.sock").ask("show info"))


def test_dead_answerer(gate: World) -> None:
    """Without an answerer calls are 503 at once, `/healthz` too; when it is back, they are let in again."""
    gate.do(gate.stop_answering())
    until(lambda: request(port(gate), "GET", "/healthz").status == 503)
    begun = time.monotonic()
    for _ in range(20):
        answer = request(port(gate), "GET", "/asked/x", [GOOD])
        assert (answer.status, answer.code, answer.get("Retry-After")) == (503, "decision_unavailable", ["1"])
    assert time.monotonic() - begun < 1.0
    assert request(port(gate), "GET", "/open/x").status == 200
    assert request(port(gate), "GET", "/healthz").code == "decision_unavailable"
    gate.do(gate.start_answering())
    until(lambda: request(port(gate), "GET", "/healthz").status == 200)
    assert request(port(gate), "GET", "/asked/x", [GOOD]).status == 200


def test_hung_answerer(gate: World) -> None:
    """An answerer that takes questions and never answers costs the decision timeout, and never lets anyone in."""
    gate.mood[0] = "silent"
    begun = time.monotonic()
    answer = request(port(gate), "GET", "/asked/x", [GOOD])
    assert (answer.status, answer.code) == (503, "decision_unavailable")
    assert 0.4 < time.monotonic() - begun < 1.5
    assert gate.echo.heard == []


def test_dead_http_process(gate: World) -> None:
    """Without the HTTP process `/healthz` is 503 and our own paths say so."""
    gate.do(gate.stop_http())
    until(lambda: request(port(gate), "GET", "/healthz").status == 503)
    assert request(port(gate), "POST", "/oauth/token").code == "service_unavailable"
    assert request(port(gate), "GET", "/asked/x", [GOOD]).status == 200


def until(true: object, seconds: float = 60.0) -> None:
    """Wait for something to become true."""
    assert callable(true)
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.02)


def test_unprivileged_worker(haproxy: Path) -> None:
    """Started by root, HAProxy's worker is the ordinary user that the paths name; started by that user, it stays so."""
    root = os.geteuid() == 0
    account = pwd.getpwnam("nobody") if root else pwd.getpwuid(os.geteuid())
    with gate_of(haproxy, None) as here:
        group = "nogroup" if root else ""
        paths = RuntimePaths(here.run, here.folder / "current", account.pw_name if root else "", group)
        if root:
            for path in (here.folder, here.run, *here.run.iterdir()):
                os.chown(path, account.pw_uid, account.pw_gid)
        made = make_plan(here)
        here.plan = made
        make_current(install(render(made, 1, paths), here.folder / "generations"), here.folder / "current")
        here.do(here.start(haproxy))
        worker = here.do(here.sockets.processes()).newest
        assert Path(f"/proc/{worker}").stat().st_uid == account.pw_uid
        assert request(made.listen.port, "GET", "/asked/x", [GOOD]).status == 200


def test_check_finds_nothing_in_a_good_plan(haproxy: Path) -> None:
    """HAProxy finds nothing wrong, and warns of nothing, in what is rendered, whatever kind of service it is."""
    files = everything()
    program = find_program({"HAPROXY": str(haproxy)})
    assert check(files, program) == []


def test_no_warnings(haproxy: Path, tmp_path: Path) -> None:
    """HAProxy's check of the rendered files is silent (but for 3.x on running as root)."""
    folder = install(everything(), tmp_path / "generations")
    done = subprocess.run(
        [haproxy, "-c", "-C", folder, "-f", "haproxy.cfg"], capture_output=True, text=True, check=True
    )
    warnings = [line for line in done.stderr.splitlines() if "WARNING" in line or "ALERT" in line]
    assert [line for line in warnings if "root" not in line] == []


def everything() -> Files:
    """A plan with every kind of service and route."""
    from sumun.config.plan import ServiceProtocol

    services: list[Service] = [
        service("plain", 9101),
        service("names", 0, servers=(("localhost", 9101), ("localhost", 9102))),
        service("six", 0, servers=(("::1", 9101),)),
        service("tls", 0, ServiceProtocol.HTTPS, servers=(("localhost", 9443),)),
        service("tls-address", 0, ServiceProtocol.HTTPS, servers=(("127.0.0.1", 9443),)),
        service("grpc", 9103, ServiceProtocol.H2C),
    ]
    routes = [route(f"r-{one.id}", f"/{one.id}/**", one.id) for one in services]
    routes += [route(f"o-{one.id}", f"/o/{one.id}/{{x}}", one.id, access=Access.PUBLIC) for one in services]
    routes += [route("host", "/x", "plain", host="api.example.com", keeps_authorization=True)]
    made = plan(8080, services, routes, internal=8081, operator=8082)
    return render(made, 1, RuntimePaths(Path("/run/su mun's"), Path("/run/sumun/current")))


def test_complaints_have_places(haproxy: Path) -> None:
    """What HAProxy complains about is told at the YAML place of the line that it means."""
    made = plan(8080, [service("s", 70_000)], [route("r", "/x", "s")])
    problems = check(
        render(made, 1, RuntimePaths(Path("/r"), Path("/g"))), find_program({"HAPROXY": str(haproxy)})
    )
    assert problems
    assert {str(problem.place) for problem in problems} == {f"{YAML}:3:5"}
    assert all("port" in problem.what for problem in problems)


def test_websocket_through_the_gate_after_a_reload(gate: World) -> None:
    """A new worker still upgrades WebSockets, and still refuses them before 101."""
    gate.prepare(with_routes(gate))
    gate.do(gate.sockets.reload())
    head = b"GET /asked/x" + HANDSHAKE
    assert shake_hands(port(gate), head + b"\r\n").status == 401
    assert shake_hands(port(gate), head + b"Authorization: Bearer good\r\n\r\n").status == 101
