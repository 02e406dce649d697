"""`sumun status` against a running gateway: who is ill is named while it is, and so is what becomes of calls."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.live.node_under_test import NodeUnderTest, node_folder, shop_services, until, write_config
from tests.live.operator_shell import Shell


@pytest.fixture(scope="module")
def services() -> Iterator[ExitStack]:
    """Ends the shop's services, when closed."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def node(haproxy: Path, services: ExitStack) -> Iterator[NodeUnderTest]:
    """One running gateway for all tests of this file; the last one ends the services behind it."""
    with node_folder() as folder:
        node = NodeUnderTest(data=folder / "data")
        node.config = write_config(folder, node.port, services.enter_context(shop_services(node.issuer)))
        node.config.write_text(node.config.read_text() + "outage: {serve_known_for: 2s}\n")
        with node.running():
            node.add_person("bob", "user")
            yield node


@pytest.fixture(scope="module")
def sumun(node: NodeUnderTest) -> Shell:
    """The operator's shell."""
    return Shell(node.data)


def ill(sumun: Shell) -> list[tuple[str, str]]:
    """Who is ill, and the code; the exit code says the same."""
    done = sumun("status --json")
    told: dict[str, Any] = done.json
    assert told["well"] == (not told["ill"]) == (done.code == 0)
    return [(one["who"], one["code"]) for one in told["ill"]]


def until_well(sumun: Shell) -> None:
    """Until nobody is ill."""
    until(lambda: not ill(sumun), why="the node is well again")


def test_a_well_node_says_so(node: NodeUnderTest, sumun: Shell) -> None:
    """Exit 0, with each part and its process, where it listens and what is in force."""
    until_well(sumun)
    done = sumun.ok("status")
    assert done.out.startswith(f"sumun 0.1.0.dev0 on 127.0.0.1:{node.port}, ")
    assert ": well\n" in done.out
    assert f"configuration {node.config}, generation 1\n" in done.out
    running = {line.split()[0]: line.split()[2] for line in done.out.splitlines() if " runs " in line}
    assert set(running) == {"valkey", "http", "answer-0", "keeper", "haproxy"}
    assert running["keeper"] == str(node.part("keeper"))


def test_what_became_of_calls(node: NodeUnderTest, sumun: Shell) -> None:
    """Refusals of the last minutes by reason, each with the id of a request that `sumun explain` can be asked about."""
    token = node.log_in("bob")
    refused = [node.call("POST", "/products", token, body="{}").headers["x-request-id"] for _ in range(2)]
    node.call("GET", "/nowhere")
    assert node.call("GET", "/products", token).status == 200

    def rows() -> dict[str, Any]:
        return {one["code"]: one for one in sumun("status --json").json["did_not"]}

    until(lambda: {"insufficient_scope", "route_not_found"} <= set(rows()), why="the lines are written")
    row = rows()["insufficient_scope"]
    assert row.pop("last_request") in refused
    assert row == {
        "calls": 2, "status": 403, "code": "insufficient_scope", "why": "product:create", "where": "products"
    }  # fmt: skip
    said = sumun.ok("status").out
    assert "insufficient_scope" in said
    assert f"`sumun explain {sumun('status --json').json['did_not'][0]['last_request']}`" in said


def test_a_changed_file_is_noticed(node: NodeUnderTest, sumun: Shell) -> None:
    """Who edited the file and did not reload is told so; after a reload it is another generation."""
    node.config.write_text(node.config.read_text() + "# more\n")
    assert "the file was changed since: `sumun check`, then `sumun reload`" in sumun.ok("status").out
    sumun.ok("reload")
    told = sumun("status --json").json
    assert (told["changed"], told["generation"]) == (False, 2)


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("answer", ("answer-0", "no_answer")),
        ("keeper", ("keeper", "no_answer")),
        ("valkey", ("answer-0", "store_unavailable")),
    ],
)
def test_who_hangs_is_named(node: NodeUnderTest, sumun: Shell, part: str, found: tuple[str, str]) -> None:
    """A process that is there and does nothing: it, or whoever needs it, is named by its code."""
    pid = node.part(part)
    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: found in ill(sumun), why=f"{found} is said")
    finally:
        os.kill(pid, signal.SIGCONT)
    until_well(sumun)


def test_a_node_without_its_store_is_out(node: NodeUnderTest, sumun: Shell) -> None:
    """`/healthz` is for load balancers: 503 when `outage.serve_known_for` is over, 200 when the store is back."""
    store = node.part("valkey")
    os.kill(store, signal.SIGSTOP)
    try:
        until(lambda: not node.healthy(), why="nobody here can decide any more")
    finally:
        os.kill(store, signal.SIGCONT)
    until(node.healthy, why="it is back")
    until_well(sumun)


def test_who_ended_is_named(node: NodeUnderTest, sumun: Shell) -> None:
    """A part that was killed starts again, and what ended it stays readable."""
    node.kill("keeper")
    until_well(sumun)
    until(lambda: "killed by SIGKILL" in sumun.ok("status").out, why="its end is noticed")


def test_a_service_that_is_away_is_named(node: NodeUnderTest, sumun: Shell, services: ExitStack) -> None:
    """Each service that takes no connection, with its line of the configuration; the calls that failed of it first."""
    token = node.log_in("bob")
    services.close()
    assert node.call("GET", "/products", token).status == 503
    assert ("the service products", "no_connection") in ill(sumun)
    done = sumun("status")
    assert f"connection refused ({node.config}:" in done.out
    first = sumun("status --json").json["did_not"][0]
    assert (first["code"], first["where"]) == ("service_unavailable", "products")


def test_no_node_no_status(sumun: Shell, tmp_path: Path) -> None:
    """Exit 3, and how to start it."""
    done = Shell(tmp_path)("status")
    assert done.code == 3
    assert "start it with `sumun run`" in done.err
