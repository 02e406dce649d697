"""The real HAProxy reads back what `quoting` wrote."""

from __future__ import annotations

import asyncio
import random
import subprocess
from pathlib import Path
from time import monotonic, sleep

from sumun.haproxy.errors import RuntimeSocketError, UnquotableError
from sumun.haproxy.quoting import map_key, map_value, word
from sumun.haproxy.runtime import RuntimeSocket

ALPHABET = "'\"\\$#{}[]()%|, ab~*;=!&<>?^`@:/.-_김é"


def texts(count: int) -> list[str]:
    """Random texts of what is hard to quote."""
    chance = random.Random()
    return ["".join(chance.choice(ALPHABET) for _ in range(chance.randint(1, 30))) for _ in range(count)]


def test_words_and_maps(haproxy: Path, socket_folder: Path) -> None:
    """Random words come back from HAProxy's environment, and random rows from its maps, as they went in."""
    tried = ["it's", "a b", '"', "\\", "#", "$HOME", "%[src]", "'" * 5, "~", "\\n", *texts(150)]
    rows: dict[str, str] = {}
    for text, other in zip(tried, reversed(tried), strict=True):
        try:
            rows[map_key(text)] = map_value(other)
        except UnquotableError:
            continue
    assert len(rows) > 10
    environment = [f"  setenv V{number} {word(text)}" for number, text in enumerate(tried)]
    socket = socket_folder / "it's a socket"
    configuration = [
        "global",
        f"  stats socket {word(str(socket))} mode 600 level admin",
        *environment,
        "defaults",
        "  mode http",
        "  timeout client 1s",
        "frontend f",
        f"  bind {word(f'unix@{socket_folder}/f')}",
        "  http-request set-var(txn.x) path,map_str(m.map)",
    ]
    (socket_folder / "haproxy.cfg").write_text("\n".join(configuration) + "\n")
    (socket_folder / "m.map").write_text("".join(f"{key} {value}\n" for key, value in rows.items()))
    process = subprocess.Popen([haproxy, "-C", socket_folder, "-f", "haproxy.cfg"], stderr=subprocess.PIPE)
    try:
        said = ask(socket, "show env").splitlines()
        read = dict(line.partition("=")[::2] for line in said)
        assert [read[f"V{number}"] for number in range(len(tried))] == tried
        shown = [line.split(" ", 1)[1] for line in ask(socket, "show map m.map").splitlines() if line]
        assert dict(line.split(" ", 1) for line in shown) == rows
    finally:
        process.kill()
        process.communicate()


def ask(socket: Path, command: str) -> str:
    """What HAProxy answers, once it is there."""
    deadline = monotonic() + 60
    while True:
        try:
            return asyncio.run(RuntimeSocket(socket).ask(command))
        except RuntimeSocketError:
            assert monotonic() < deadline, "HAProxy did not start"
            sleep(0.05)
