"""docs/logs.md tells of every field, every detail of a refusal and every metric, and of no other."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

from prometheus_client import Counter, Histogram

from sumun.access import InvalidBecause, Reason, Refuse
from sumun.answers.translate import write_refusal
from sumun.haproxy.access_log import log_format
from sumun.haproxy.rates import PER_CLIENT, PER_PERSON, PER_ROUTE, PER_SOURCE, QUOTA
from sumun.haproxy.refusals import QUOTA_USED_UP, TOO_MANY_REQUESTS
from sumun.telemetry import metrics
from sumun.telemetry.logging_setup import JsonFormatter
from tests.documentation.tables import DOCS, table, words

PAGE = DOCS / "logs.md"
SOURCES = Path(metrics.__file__).parents[1]


def first_words(heading: str) -> list[str]:
    """What the first column of a table sets in code type."""
    return [word for row in table(PAGE, heading) for word in words(row[0])]


def test_the_access_log_has_these_fields() -> None:
    """A program that reads access.log finds in the page what each field is, in the order of the line."""
    fields = [
        part.split('":')[0].lstrip('{,"') for part in log_format(shadows=True).split("'")[1].split(',"')
    ]
    assert first_words("The access log") == fields


def test_the_log_has_these_fields() -> None:
    """The same for sumun.log."""
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "trouble", (), (ValueError, ValueError(), None))
    assert first_words("The gateway's log") == list(json.loads(JsonFormatter("http").format(record)))


def test_every_detail_of_a_refusal_is_told() -> None:
    """Each word that `why` can be, with the code it comes with."""
    rows = table(PAGE, "The detail of a refusal")
    told = {word: words(row[1])[0] for row in rows if "..." not in row[0] for word in words(row[0])}
    said = [write_refusal(Refuse.invalid(because)) for because in InvalidBecause]
    said.append(write_refusal(Refuse(Reason.WRONG_TOKEN_KIND)))
    limited = dict.fromkeys((PER_SOURCE, PER_PERSON, PER_CLIENT, PER_ROUTE), TOO_MANY_REQUESTS.code)
    limited[QUOTA] = QUOTA_USED_UP.code
    assert told == {refusal["why"]: refusal["code"] for refusal in said} | limited


def test_every_metric_is_told() -> None:
    """Name, type and labels of every metric that we export."""
    told = {words(name)[0]: (kind, tuple(words(labels))) for name, kind, labels, _ in table(PAGE, "Metrics")}
    every = [value for value in vars(metrics).values() if isinstance(value, Counter | Histogram)]
    exported = {}
    for metric in every:
        (family,) = metric.describe()
        suffix = "_total" if family.type == "counter" else ""
        exported[family.name + suffix] = (family.type, tuple(metric._labelnames))
    assert len(exported) >= 7
    assert told == exported


def test_every_metric_is_counted() -> None:
    """A metric that is told and never counted is a zero that somebody trusts: each is used where something happens."""
    code = "\n".join(file.read_text() for file in SOURCES.rglob("*.py"))
    every = [name for name, value in vars(metrics).items() if isinstance(value, Counter | Histogram)]
    counts = r"\b{0}\.(?:inc|labels|observe)\(|\bobserve_many\({0}\b"
    assert [name for name in every if not re.search(counts.format(name), code)] == []
