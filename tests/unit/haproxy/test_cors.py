"""The methods of a path by service: what a preflight is answered with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sumun.access import Access
from sumun.config.plan import METHODS, Cors
from sumun.haproxy import RuntimePaths, render
from sumun.haproxy.cors import files
from tests.unit.haproxy.plans import plan, route, service
from tests.unit.haproxy.walk import Walker

ROUTES = [
    route("list", "/a", "shop", "GET"),
    route("add", "/a", "shop", "POST", access=Access.PUBLIC),
    route("drop", "/a", "chat", "DELETE"),
    route("one", "/a/{id}", "shop", "PUT"),
    route("rest", "/a/**", "mute"),
    route("inside", "/b", "shop", "GET", access=Access.INTERNAL),
    route("plain", "/c", "mute", "GET"),
]
SERVICES = [
    service("shop", 1, cors=Cors(("https://b.example", "https://a.example"))),
    service("chat", 2, cors=Cors(("*",))),
    service("mute", 3),
]
PLAN = plan(8080, SERVICES, ROUTES, internal=8081)
FILES = render(PLAN, 7, RuntimePaths(Path("/run/sumun"), Path("/current")))


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/a", {"chat": "DELETE", "shop": "GET, POST"}),
        ("/a/1", {"shop": "PUT"}),
        ("/a/1/2", {}),
        ("/b", None),
        ("/c", {}),
        ("/oauth/token", {}),
    ],
)
def test_methods_by_service(path: str, told: dict[str, str] | None) -> None:
    """Behind all methods of a path stand those of each service with CORS, of all its routes; none of a hidden route."""
    everything, *groups = Walker(FILES, "public").methods("", path).split("|")
    assert (None if everything == "." else dict(group.split(":") for group in groups)) == told
    if told is not None:
        methods = {method for method in METHODS if Walker(FILES, "public").answer("", method, path) != "."}
        assert set(everything.split(", ")) == methods


def test_the_internal_listener_is_told_methods_only() -> None:
    """No page has business there."""
    rows = FILES.get("internal.methods.map").text()
    assert "|shop:" not in rows
    assert not re.search("cors|preflight", _frontend("internal"))
    assert re.search("cors", _frontend("public"))


def test_nothing_without_origins() -> None:
    """No map, no line, no other row, where no service lists origins."""
    silent = plan(8080, [service(one.id, 1) for one in SERVICES], ROUTES, internal=8081)
    assert files(silent) == []
    rendered = render(silent, 7, RuntimePaths(Path("/run/sumun"), Path("/current")))
    assert not re.search(r"cors|preflight|txn\.origin|Vary|by_service", rendered.get("haproxy.cfg").text())
    assert "|shop:" not in rendered.get("public.methods.map").text()


def _frontend(listener: str) -> str:
    found = re.search(rf"(?s)frontend {listener}\n(.*?)\n\n", FILES.get("haproxy.cfg").text())
    assert found is not None
    return found[1]
