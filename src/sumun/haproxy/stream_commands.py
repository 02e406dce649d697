"""Commands of the runtime socket that find one stream and cut it: texts out, answers read. No socket here.

Management guide 9.3: `show sess`, `show sess <address>`, `shutdown session`. The list names a stream by an address in
memory, which is used again once the stream has ended; only the long form shows its number (`%rt`, never used twice
by a worker). So: list, keep those of the right connection, look each up for its number, and cut at once.
With HTTP/2 the streams of one connection have one source but a number each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sumun.haproxy.errors import RuntimeSocketError

STREAM_NAME: Final = "%pid/%rt/%ci:%cp"
"""A stream's name, as HAProxy's log format writes it: process, number of the stream in it, the client's end."""

LIST: Final = "show sess"
LIST_ALL: Final = "show sess all"
"""The long form of every stream: dear, 50 µs each."""
_ASK: Final = "ask."

_NAME: Final = re.compile(r"(\d{1,10})/(\d{1,10})/(\S{1,60}:\d{1,5})")
_LISTED: Final = re.compile(r"^(0x[0-9a-f]+): proto=\S+ src=(\S+) fe=\S+ be=(\S+) ", re.MULTILINE)
_DETAILS: Final = re.compile(r"^(0x[0-9a-f]+): \[[^\]\n]*\] id=(\d+) ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class StreamName:
    """Which stream of which worker. `source` is the client's address and port, as `show sess` writes it."""

    pid: int
    number: int
    source: str


def read_name(text: str) -> StreamName | None:
    """Read what STREAM_NAME became; None when it is none."""
    found = _NAME.fullmatch(text)
    return None if found is None else StreamName(int(found[1]), int(found[2]), found[3])


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list: an address, good for this moment only, and the client's end."""

    address: str
    source: str


def read_list(answer: str) -> Iterator[Listed]:
    """The streams that stand behind a question, from the answer to LIST. Raises RuntimeSocketError when it is none."""
    found = _LISTED.findall(answer)
    if not found:  # the command's own stream is always there
        raise RuntimeSocketError("HAProxy's worker did not list its streams")
    return (Listed(address, source) for address, source, backend in found if backend.startswith(_ASK))


def look_up(address: str) -> str:
    """The command that shows one stream."""
    return f"show sess {address}"


def numbers(answer: str) -> dict[str, int]:
    """Address -> number of the stream, from the answers to `look_up`. What has ended meanwhile is not there."""
    return {address: int(number) for address, number in _DETAILS.findall(answer)}


def cut(address: str) -> str:
    """The command that ends one stream."""
    return f"shutdown session {address}"
