"""What a line of the access log tells."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from sumun.access import Reason, Refuse
from sumun.answers.translate import write_outage, write_refusal
from sumun.explain.logged import NotALineError, Said, happened, read_line
from sumun.haproxy import refusals
from sumun.haproxy.access_log import log_format

FIELDS = re.findall(r'"(\w+)":', log_format(shadows=True))


def fields(**changes: Any) -> dict[str, Any]:
    """A line with nothing known but these."""
    return dict.fromkeys(FIELDS, "-") | {"t": 1.5, "st": 403, "m": "GET", "path": "/x", "end": "--"} | changes


def test_the_fields_are_those_of_the_log() -> None:
    """A line of exactly the fields that HAProxy writes can be read."""
    assert read_line(json.loads(json.dumps(fields()))).method == "GET"


@pytest.mark.parametrize("refusal", refusals.ALONE, ids=lambda refusal: refusal.code)
def test_refusals_of_haproxy_alone(refusal: refusals.Refusal) -> None:
    """Each is told as HAProxy's, with words of its own."""
    line = read_line(fields(st=refusal.status, code=refusal.code, be="refuse"))
    assert line.said is Said.HAPROXY
    assert "could not read or handle" not in happened(line)[0]


@pytest.mark.parametrize("reason", Reason)
def test_refusals_of_the_decision(reason: Reason) -> None:
    """Each is told as the decision's."""
    told = write_refusal(Refuse(reason))
    line = read_line(fields(st=told["status"], code=told["code"], why=told.get("why", "-"), be="ask.shop"))
    assert line.said is Said.DECISION
    assert str(told["code"]) in happened(line)[0]


@pytest.mark.parametrize(
    ("changes", "said", "words"),
    [
        (
            {"st": 503, **write_outage("store_unavailable")},
            Said.OUTAGE,
            "neighbour was away (store_unavailable)",
        ),
        ({"st": 503, "code": "decision_unavailable"}, Said.OUTAGE, "nobody decided in time"),
        ({"st": 504, "be": "ask.shop", "end": "sH"}, Said.NO_SERVICE, "silent for too long"),
        ({"st": 504, "be": "ask.shop"}, Said.SERVICE, "the service answered 504"),
        ({"st": 404, "be": "open.shop"}, Said.SERVICE, "the service answered 404"),
        ({"st": 204, "be": "preflight.shop", "end": "LR"}, Said.PREFLIGHT, "lists it"),
        (
            {"st": 403, "be": "preflight.shop", "code": "cross_origin_not_allowed"},
            Said.HAPROXY,
            "lists no such origin",
        ),
        ({"st": 400, "be": "own"}, Said.OWN, "sumun answered it itself with 400"),
        ({"st": 400, "be": "refuse"}, Said.HAPROXY, "HAProxy refused it"),
        (
            {"st": 429, "code": "too_many_requests", "why": "per_source", "be": "refuse"},
            Said.LIMIT,
            "its address had made as many calls as `limits.per_source` allows",
        ),
        (
            {"st": 429, "code": "quota_used_up", "why": "quota", "be": "known.shop"},
            Said.LIMIT,
            "as many calls that day as its `quota` allows",
        ),
    ],
)
def test_who_answered(changes: dict[str, Any], said: Said, words: str) -> None:
    """Refusals, outages, services that fail and services that refuse are told apart."""
    line = read_line(fields(**changes))
    assert line.said is said
    assert words in happened(line)[0]


@pytest.mark.parametrize(
    ("host", "bare"),
    [
        ("Api.Example.com:8080", "api.example.com"),
        ("[::1]:8080", "[::1]"),
        ("[::1]", "[::1]"),
        ("-", ""),
        ("api.example.com", "api.example.com"),
    ],
)
def test_the_host_is_as_routes_see_it(host: str, bare: str) -> None:
    """In small letters, without the port."""
    assert read_line(fields(host=host)).call.host == bare


@pytest.mark.parametrize("broken", [{"t": "x"}, {"st": None}, {"m": 1}, {"id": None}])
def test_what_is_no_line(broken: dict[str, Any]) -> None:
    """A line of another sumun is told as that."""
    with pytest.raises(NotALineError):
        read_line(fields(**broken))
    with pytest.raises(NotALineError):
        read_line({})
