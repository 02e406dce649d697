"""What became of the calls of the last minutes, by lines of the access log."""

from __future__ import annotations

from typing import Any

import pytest

from sumun.explain.logged import read_line
from sumun.explain.recent import MOST_GROUPS, Recent, Sort

LINE: dict[str, Any] = {
    "t": 1795447214.7,
    "id": "d8a96e0d-e219-42f6-a52e-61b216448f64",
    "lst": "public",
    "m": "GET",
    "host": "x",
    "path": "/books",
    "route": "get-books",
    "be": "ask.books",
    "st": 200,
    "code": "-",
    "why": "-",
    "who": "-",
    "client": "-",
    "end": "--",
}


def recent(*lines: dict[str, Any]) -> Recent:
    """Of lines that differ from LINE in this, the newest first."""
    found = Recent()
    for line in lines:
        found.add(read_line(LINE | line))
    return found


@pytest.mark.parametrize(
    ("line", "sort"),
    [
        ({"st": 403, "code": "insufficient_scope", "why": "book:read"}, Sort(403, "insufficient_scope", "book:read", "books")),
        ({"st": 503, "code": "decision_unavailable", "why": "store_unavailable"}, Sort(503, "decision_unavailable", "store_unavailable", "books")),
        ({"st": 503, "end": "SC"}, Sort(503, "service_unavailable", "ended SC", "books")),
        ({"st": 504, "end": "sH", "be": "known.books"}, Sort(504, "service_timeout", "ended sH", "books")),
        ({"st": 500}, Sort(500, "-", "answered by the service", "books")),
        ({"st": 404, "code": "route_not_found", "be": "refuse", "route": "-"}, Sort(404, "route_not_found", "", "")),
        ({"st": 403, "code": "cross_origin_not_allowed", "be": "preflight.books"}, Sort(403, "cross_origin_not_allowed", "", "books")),
        ({"st": 401, "be": "own", "path": "/oauth/token"}, Sort(401, "-", "answered by sumun", "/oauth/token")),
    ],
)  # fmt: skip
def test_what_did_not_go_well_is_sorted(line: dict[str, Any], sort: Sort) -> None:
    """By what the caller was told, why, and which service it was for."""
    (only,) = recent(line).ended
    assert (only.sort, only.calls, only.newest) == (sort, 1, LINE["id"])


@pytest.mark.parametrize(
    "line",
    [{}, {"st": 404}, {"be": "own", "st": 303}, {"be": "preflight.books", "st": 204, "end": "LR"}],
    ids=str,
)
def test_what_went_well_is_counted_only(line: dict[str, Any]) -> None:
    """A service's own 404 is the service's affair."""
    found = recent(line)
    assert (found.calls, found.well, found.ended) == (1, 1, [])


def test_what_monitors_ask_is_no_call() -> None:
    """Neither `/healthz` nor the metrics, however they are answered."""
    assert recent({"be": "healthz", "st": 503}, {"be": "pages", "lst": "operator"}).calls == 0


def test_failures_stand_before_refusals() -> None:
    """Who is woken up reads first what is broken, then what is refused most often; of each sort, the newest call."""
    refused = {"st": 403, "code": "insufficient_scope", "why": "book:read"}
    found = recent(
        refused | {"id": "newest"}, refused, {"st": 401, "code": "no_credential"}, {"st": 503, "end": "SC"}
    )
    assert [(one.sort.status, one.calls) for one in found.ended] == [(503, 1), (403, 2), (401, 1)]
    assert found.ended[1].newest == "newest"


def test_strangers_do_not_crowd_out_a_failure() -> None:
    """Whatever paths strangers make up below ours, they are one sort; and no failure goes uncounted for want of room."""
    made_up = [
        {"st": 404, "be": "own", "code": "not_found", "path": f"/oauth/{n}"} for n in range(3 * MOST_GROUPS)
    ]
    failing = [{"st": 503, "be": "own", "code": "x", "path": f"/oauth/{n}"} for n in range(2 * MOST_GROUPS)]
    failure = {"st": 502, "end": "SH"}
    found = recent(*made_up, *failing, failure)
    assert len(found.ended) <= MOST_GROUPS + 3
    assert sum(one.calls for one in found.ended) == 5 * MOST_GROUPS + 1
    assert {(one.sort.status, one.calls) for one in found.ended} >= {(404, 3 * MOST_GROUPS), (502, 1)}
