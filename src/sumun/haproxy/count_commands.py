"""The command that reads how many calls each client has made in one worker: text out, answer read. No socket here.

Management guide 9.3: `show table`. A count only grows while the worker lives (`rates`: its rows do not expire).
"""

from __future__ import annotations

import re
from typing import Final

from sumun.haproxy.errors import RuntimeSocketError
from sumun.haproxy.rates import CLIENTS

SHOW_COUNTS: Final = f"show table {CLIENTS} data.gpc0 gt 0"

_NO_TABLE: Final = "No such table"
_ROW: Final = re.compile(r"^0x[0-9a-f]+: key=(\S+) (?:[^\n]* )?gpc0=(\d+)", re.MULTILINE)


def read_counts(answer: str) -> dict[str, int] | None:
    """Client -> calls that went on, from the answer to SHOW_COUNTS; None when the worker's configuration counts none.

    Raises RuntimeSocketError for another answer.
    """
    text = answer.strip()
    if text.startswith(_NO_TABLE):
        return None
    if not text.startswith(f"# table: {CLIENTS},"):
        raise RuntimeSocketError(f"HAProxy did not show a table: {text[:200]}")
    return {key: int(count) for key, count in _ROW.findall(text)}
