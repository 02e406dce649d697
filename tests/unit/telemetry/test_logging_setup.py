"""Log lines: one JSON object each, whatever is in them."""

from __future__ import annotations

import io
import json
import logging

import pytest

from sumun.telemetry.logging_setup import configure_logging


@pytest.fixture
def lines():
    """Configures logging into a buffer and puts pytest's own handlers back."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    buffer = io.StringIO()
    configure_logging("answer-0", stream=buffer)
    yield lambda: [json.loads(line) for line in buffer.getvalue().splitlines()]
    root.handlers[:] = kept
    root.setLevel(level)


def test_a_line_is_one_object(lines) -> None:
    """Line breaks and quotes from outside stay inside the line."""
    logging.getLogger("sumun.x").warning("bad path %s", 'a"\n{"level":"info"}')
    (line,) = lines()
    assert (line["level"], line["part"], line["logger"]) == ("warning", "answer-0", "sumun.x")
    assert line["msg"] == 'bad path a"\n{"level":"info"}'
    assert line["t"].endswith("Z")


def test_an_exception_is_named(lines) -> None:
    """The class of an exception has a field of its own."""
    try:
        raise ValueError("no")
    except ValueError:
        logging.getLogger("sumun.x").exception("failed")
    assert lines()[0]["error"] == "ValueError"
