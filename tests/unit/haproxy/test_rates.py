"""What limits add to a rendered configuration, and that their absence adds nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sumun.access import TokenKind
from sumun.config.plan import Client, ClientKind, Rate
from sumun.haproxy import Files, RuntimePaths, render
from tests.unit.haproxy.test_render import section, shop

PATHS = RuntimePaths(Path("/run/sumun"), Path("/generations/000007"))
TEN = Rate(10, 1000, 20)
HOURLY = Rate(100, 3_600_000, 100)


def limited(*, routes: dict[str, Rate] | None = None, **limits: Rate) -> Files:
    """The shop with these limits, and those of its routes by name."""
    plan = shop(**limits)
    with_limits = tuple(replace(route, limit=(routes or {}).get(route.id)) for route in plan.routes)
    return render(replace(plan, routes=with_limits), 7, PATHS)


def test_no_limit_no_line() -> None:
    """A plan without limits makes not one line for them: no table, no rule, no field in a map."""
    text = "".join(file.text() for file in limited().files)
    for word in ("limits.", "too_many_requests", "txn.over", "src_gpc0_rate", "track-sc0"):
        assert word not in text


def test_only_what_is_limited_pays() -> None:
    """A limit adds rules only to the backends and the listener that it concerns."""
    files = limited(routes={"open": TEN})
    text = files.get("haproxy.cfg").text()
    assert "txn.over" in "".join(section(files, "backend open.shop"))
    for heading in ("frontend public", "frontend internal", "backend ask.shop", "backend known.shop"):
        assert "txn.over" not in "".join(section(files, heading))
    assert text.count("stick-table") == 3  # two are those of guesses


def test_quotas_need_a_count_that_is_kept() -> None:
    """With a quota the clients' rows do not expire, and the map of who used it up begins empty; without one there is none."""
    plan = shop(per_client=TEN)
    client = Client(
        "app",
        ClientKind.PUBLIC,
        frozenset({"password"}),
        None,
        first_party=True,
        login=("password",),
        scopes=(),
        roles=(),
        permissions=(),
        token_kind=TokenKind.OPAQUE,
        token_lifetime_seconds=900,
        quota=1000,
    )
    files = render(replace(plan, clients={"app": client}), 7, PATHS)
    assert section(files, "backend limits.client") == [
        "stick-table type string len 140 size 200k store gpc0,gpc0_rate(2000ms)"
    ]
    assert files.get("quotas.map").text() == ""
    for heading in ("backend ask.shop", "backend known.shop", "backend ask.grpc"):
        rules = section(files, heading)
        look = rules.index("http-request set-var(txn.used) var(txn.smn.fact),field(-3,|),map_str(quotas.map)")
        assert look < rules.index("http-request sc-inc-gpc0(1) unless { var(txn.over) -m found }")
    assert "quotas.map" not in render(plan, 7, PATHS).get("haproxy.cfg").text()


def test_sources_are_counted_on_the_public_listener_first() -> None:
    """A source over its limit is sent away before header, path or route are looked at; who is inside is not counted."""
    files = limited(per_source=TEN)
    rules = [line for line in section(files, "frontend public") if line.startswith("http-request")]
    over = next(number for number, rule in enumerate(rules) if "src_gpc0_rate(limits.source) ge 20" in rule)
    assert rules[over + 1] == "http-request allow if { var(txn.over) -m found }"
    assert not any(" -m reg " in rule or "map_" in rule for rule in rules[: over + 2])
    backends = [line for line in section(files, "frontend public") if line.startswith("use_backend")]
    assert backends[0] == "use_backend refuse if { var(txn.over) -m found }"
    assert "limits.source" not in "".join(section(files, "frontend internal"))


def test_a_limited_call_is_let_through_by_one_rule_only() -> None:
    """In front of a protected service the one rule that lets through wants `allow`, and no limit reached."""
    rules = section(limited(per_person=TEN), "backend ask.shop")
    passing = [rule for rule in rules if rule.startswith("http-request allow")]
    assert passing == ["http-request allow if { var(txn.smn.allow) -m bool } !{ var(txn.over) -m found }"]


def test_nothing_is_counted_before_every_limit_was_looked_at() -> None:
    """A call that one limit refuses uses up no other: counters are raised last, and only when none is over."""
    files = limited(per_person=TEN, per_client=HOURLY, routes={"one": TEN, "list": HOURLY})
    for heading in ("backend ask.shop", "backend known.shop"):
        rules = section(files, heading)
        looks = [n for n, rule in enumerate(rules) if "set-var(txn.over)" in rule]
        raises = [n for n, rule in enumerate(rules) if "sc-inc-gpc0" in rule and "txn.over" in rule]
        assert len(looks) == 4
        assert len(raises) == 3
        assert max(looks) < min(raises)
        assert all(rules[n].endswith("unless { var(txn.over) -m found }") for n in raises)


def test_routes_share_a_table_for_each_rate() -> None:
    """Routes of one rate share its table, and each has rows of its own in it: a short name goes before the caller."""
    files = limited(routes={"one": TEN, "list": TEN, "open": HOURLY})
    assert section(files, "backend limits.route.1")[0].endswith("expire 5000ms store gpc0,gpc0_rate(2000ms)")
    assert "gpc0_rate(3600000ms)" in section(files, "backend limits.route.2")[0]
    found = fields(files)
    assert [found[route][1] for route in ("list", "one", "open")] == ["1", "1", "2"]
    assert len({short for short, _ in found.values()}) == 3
    (track,) = {rule for rule in section(files, "backend known.shop") if "track-sc2" in rule}
    assert track.startswith(
        "http-request track-sc2 var(txn.r),field(5,|),concat(|,txn.who) table limits.route.1"
    )


def test_counts_stay_with_their_route() -> None:
    """In a worker that goes on under another plan, a route's rows are its own, whatever stands before it in the file."""
    before = fields(limited(routes={"one": TEN, "open": TEN}))
    after = fields(limited(routes={"list": TEN, "one": TEN, "open": TEN}))
    assert {route: after[route] for route in before} == before


def fields(files: Files) -> dict[str, tuple[str, str]]:
    """Route -> short name and number of the table, as the map has them."""
    rows = (line.text.split(" ", 1)[1].split("|") for line in files.get("public.routes.map").lines)
    return {row[1]: (row[4], row[5]) for row in rows if len(row) == 6}
