"""The calls of access logs, each judged once. A line that a later one must explain waits on disk, not in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator

from sumun.explain.logged import LoggedCall, NotALineError, decode_line
from sumun.explain.replay import UNTOLD, Judged, Later
from sumun.node.calls.log_lines import read_lines

Judge = Callable[[LoggedCall], Judged]


def judged_calls(logs: Iterable[str], judge: Judge) -> Iterator[tuple[LoggedCall, Judged] | None]:
    """Every line of these logs; None for one that tells of no call. Raises OSError, BadLogError."""
    with tempfile.TemporaryFile() as aside:
        for log in logs:
            for raw in read_lines(log):
                line = _decoded(raw)
                if line is None:
                    yield None
                    continue
                judged = judge(line)
                if isinstance(judged, Later):
                    aside.write(raw if raw.endswith(b"\n") else raw + b"\n")
                else:
                    yield line, judged
        aside.seek(0)
        for raw in aside:
            line = decode_line(raw)
            judged = judge(line)
            yield line, UNTOLD if isinstance(judged, Later) else judged


def _decoded(raw: bytes) -> LoggedCall | None:
    try:
        return decode_line(raw)
    except NotALineError:
        return None
