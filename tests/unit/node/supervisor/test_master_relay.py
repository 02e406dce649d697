"""The supervisor passes on what the keeper asks of HAProxy's workers, and nothing else."""

from __future__ import annotations

import pytest

from sumun.haproxy import count_commands, map_commands, stream_commands
from sumun.haproxy.known import FACTS, LEASE, STATE, VERDICTS
from sumun.haproxy.rates import USED_UP
from sumun.haproxy.runtime_commands import SHOW_PROC, to_worker
from sumun.node.supervisor.master_relay import is_ours

ROWS = [("a" * 64, "1|2|p|user:alice|t|shop-app|alice|%EA%B9%80"), ("b" * 64, "1|2|p|client:x|t|x||")]
OURS = [
    SHOW_PROC,
    to_worker(12, map_commands.set_row(STATE, LEASE, "1795418351")),
    to_worker(12, map_commands.get_row(STATE, LEASE)),
    *(to_worker(12, text) for text in map_commands.add_rows(FACTS[0], ROWS)),
    *(to_worker(12, text) for text in map_commands.add_rows(VERDICTS, ROWS * 100, 3)),
    to_worker(12, map_commands.prepare(FACTS[1])),
    to_worker(12, map_commands.commit(FACTS[1], 7)),
    to_worker(12, count_commands.SHOW_COUNTS),
    *(to_worker(12, text) for text in map_commands.add_rows(USED_UP, [("shop-app", "1795478400|10000")], 2)),
    to_worker(12, stream_commands.LIST),
    "; ".join(to_worker(12, stream_commands.look_up(one)) for one in ("0x55b5f10237b0", "0x1")),
    "; ".join(to_worker(12, stream_commands.cut(one)) for one in ("0x55b5f10237b0", "0x1")),
]
NOT_OURS = [
    "",
    "reload",
    "help",
    "expert-mode on",
    "mcli-debug-mode on",
    "expert-mode on; mcli-debug-mode on; debug dev hex 0x400000",
    f"{SHOW_PROC}; expert-mode on",
    f"{SHOW_PROC}\nreload",
    "@master show proc",
    "@!0 show sess",
    "@0 show sess",
    "@!12 show env",
    "@!12 debug dev exit",
    "@!12 shutdown session 0x1; reload",
    "@!12 shutdown session 0x1;@!12 show env",
    "@!12 get map state.map lease; reload",
    "@!12 get map state.map lease\nreload",
    "@!12 get map public.routes.map x",
    "@!12 show table guesses",
    "@!12 clear table limits.client",
    f"{to_worker(12, count_commands.SHOW_COUNTS)}; reload",
    "@!12 set map ../state.map lease 1",
    "@!12 add map state.map <<\nlease 1\n\nreload\n",
    "@!12 add map state.map <<\nlease 1;reload 1\n",
    "@!12 httpclient GET http://127.0.0.1/",
]


@pytest.mark.parametrize("command", OURS, ids=lambda command: command[:40])
def test_what_the_keeper_asks_is_passed_on(command: str) -> None:
    """Every command that a part gives to a worker goes through."""
    assert is_ours(command)


@pytest.mark.parametrize("command", NOT_OURS)
def test_nothing_else_is(command: str) -> None:
    """No other command of the master or of a worker, alone, behind one of ours, or inside it."""
    assert not is_ours(command)
