"""What another configuration changes: which calls, roles and clients gain and lose what. Pure.

Calls are compared, not lines: a route that is gone may leave its calls to a less literal one, and a role that is
renamed may have changed nothing for anybody. Each call that either plan names is tried on `access.decide()` under both,
for nobody, for a token that gives nothing, for each role alone and for each client that acts for itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sumun.access import TOKENS, Access, Allow, Missing, Proven, TokenKind, decide
from sumun.config.calls import Call, NotServed, rule_of, serve
from sumun.config.paths import MAX_SEGMENTS, parse_path
from sumun.config.plan import ANY_ORIGIN, METHODS, Client, Cors, Plan, Rate, Route
from sumun.explain.requirements import listed, requirement_words, shadow_words
from sumun.identity import ANYTHING, Permission, Principal, Subject

_ANY = "~any~"
"""Stands for a segment that no route names."""
_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Difference:
    """One change. `about` is what changes (`the role user`, `DELETE /products/{id}`), `change` continues it."""

    about: str
    change: str

    def __str__(self) -> str:
        """One sentence."""
        return f"{self.about} {self.change}"


@dataclass(frozen=True, slots=True, order=True)
class _Key:
    """The calls of one shape: host, path without the names in it, and method."""

    host: str
    shape: str
    method: str

    def __str__(self) -> str:
        return f"{self.method} {self.host}{self.shape.replace('{}', '{..}')}"


@dataclass(frozen=True, slots=True)
class _Who:
    """A caller to try. `principal` None: without a token; `kinds`: those of the tokens that it can come with."""

    principal: Principal | None
    kinds: frozenset[TokenKind] = TOKENS
    internal: bool = False


class _Side:
    """One of the two plans, with its routes by key."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    @cached_property
    def keys(self) -> Mapping[_Key, Route]:
        return {
            _Key(route.host, parse_path(route.path).shape, method): route
            for route in self.plan.routes
            for method in route.methods or METHODS
        }

    def route(self, key: _Key) -> Route | None:
        """Who serves these calls: the route of the key, for nothing is more literal than itself, or another."""
        own = self.keys.get(key)
        if own is not None:
            return own
        found = serve(self.plan.routes, Call(key.method, _example(key.shape), key.host, internal=True))
        return None if isinstance(found, NotServed) else found

    def allows(self, route: Route | None, who: _Who | None) -> bool:
        """Whether somebody may; `who` None: there is no such caller on this side."""
        if route is None or who is None or (who.internal and route.access is not Access.INTERNAL):
            return False
        rule = rule_of(route)
        kind = min(route.kinds & who.kinds or who.kinds)
        evidence = Missing() if who.principal is None else Proven(who.principal, kind, _NEVER)
        return isinstance(decide(rule, evidence, self.plan.roles, internal=who.internal), Allow)


def differences(old: Plan, new: Plan) -> tuple[Difference, ...]:
    """Everything that the new plan changes for callers; empty when it changes nothing for them."""
    before, after = _Side(old), _Side(new)
    keys = sorted({*before.keys, *after.keys}, key=lambda key: (key.host, key.shape, key.method))
    pairs = [(key, before.route(key), after.route(key)) for key in keys]
    return (
        *_routes(pairs),
        *_origins(old, new),
        *_pages_of_other_origins(old, new),
        *_callers(pairs, before, after),
        *_roles(old, new),
        *_clients(old, new),
        *_limits(old, new, pairs),
    )


def _example(shape: str) -> str:
    """A path of this shape that no other route names more literally: for a prefix, deeper than any template."""
    segments = shape.strip("/").replace("{}", _ANY).split("/")
    if segments[-1] == "**":
        segments[-1:] = [_ANY] * (MAX_SEGMENTS + 1)
    return "/" + "/".join(segments)


Pairs = Sequence[tuple[_Key, Route | None, Route | None]]


def _routes(pairs: Pairs) -> Iterator[Difference]:
    for key, old, new in pairs:
        if old is None and new is not None:
            yield Difference(
                str(key), f"is new: it goes to {new.service} and requires {requirement_words(new)}"
            )
        elif new is None and old is not None:
            yield Difference(
                str(key), f"is gone; it went to {old.service} and required {requirement_words(old)}"
            )
        elif old is not None and new is not None:
            if old.service != new.service:
                yield Difference(str(key), f"goes to {new.service} instead of {old.service}")
            was, now = requirement_words(old), requirement_words(new)
            if was != now:
                yield Difference(str(key), f"requires {now}; before, {was}")
            yield from _shadows(key, old, new)


def _shadows(key: _Key, old: Route, new: Route) -> Iterator[Difference]:
    """What a shadow rule reports; it changes nothing for callers."""
    was, now = (None if one.shadow is None else shadow_words(one.shadow) for one in (old, new))
    if was == now:
        return
    if now is None:
        yield Difference(str(key), f"has no shadow rule any more; it reported on {was}")
    else:
        yield Difference(
            str(key), f"has a shadow rule, which only reports: {now}" + (f"; before, {was}" if was else "")
        )


def _origins(old: Plan, new: Plan) -> Iterator[Difference]:
    """Whose pages may open WebSockets."""
    for name, after in new.services.items():
        before = old.services.get(name)
        if before is not None and set(before.origins) != set(after.origins):
            was, now = (_pages(one.origins) for one in (before, after))
            yield Difference(f"WebSockets of {name}", f"may be opened by {now}; before, by {was}")


def _pages_of_other_origins(old: Plan, new: Plan) -> Iterator[Difference]:
    """Whose pages may call a service by script, and what they may send and read."""
    for name, after in new.services.items():
        before = old.services.get(name)
        was, now = (_NO_PAGES if one is None or one.cors is None else one.cors for one in (before, after))
        for origin in sorted({*was.origins, *now.origins}):
            if (origin in was.origins) != (origin in now.origins):
                whose = "any page" if origin == ANY_ORIGIN else f"a page of {origin}"
                may = "may now" if origin in now.origins else "may no longer"
                yield Difference(whose, f"{may} call {name} and read what it answers")
        if was.origins and now.origins:
            whose = f"the pages that may call {name}"
            for what, could, can in (("send", was.headers, now.headers), ("read", was.expose, now.expose)):
                if more := sorted({*can} - {*could}):
                    yield Difference(whose, f"may now {what} {listed(more, 'and')}")
                if less := sorted({*could} - {*can}):
                    yield Difference(whose, f"may no longer {what} {listed(less, 'and')}")


_NO_PAGES = Cors(())


def _pages(origins: Sequence[str]) -> str:
    return f"pages of {listed(sorted(origins), 'and')}" if origins else "any page"


def _callers(pairs: Pairs, before: _Side, after: _Side) -> Iterator[Difference]:
    """Who may call what that they could not, and the reverse.

    What a valid token alone may now call, every role may: told once. Calls that are gone are told as that.
    """
    by_all: set[_Key] = set()
    for name, old_who, new_who in _everybody(before.plan, after.plan):
        gained: list[_Key] = []
        lost: list[_Key] = []
        for key, old, new in pairs:
            could, can = before.allows(old, old_who), after.allows(new, new_who)
            if can and not could and key not in by_all:
                gained.append(key)
            elif could and not can and new is not None:
                lost.append(key)
        if name in (_NOBODY, _ANYBODY):
            by_all.update(gained)
        if gained:
            yield Difference(name, f"may now call {listed([str(key) for key in gained], 'and')}")
        if lost:
            yield Difference(name, f"may no longer call {listed([str(key) for key in lost], 'and')}")


_NOBODY, _ANYBODY = "who sends no token", "who holds nothing but a valid token"
_INSIDE = "who comes by the internal listener"


def _everybody(old: Plan, new: Plan) -> Iterator[tuple[str, _Who | None, _Who | None]]:
    nobody, anybody = _Who(None), _Who(_holder(frozenset(), frozenset(), frozenset({ANYTHING})))
    inside = _Who(None, internal=True)
    yield _NOBODY, nobody, nobody
    yield _ANYBODY, anybody, anybody
    yield _INSIDE, inside, inside
    for role in sorted({*old.roles, *new.roles}):
        # Who holds a role that one side does not define is somebody there too, and holds less.
        who = _Who(_holder(frozenset({role}), frozenset(), frozenset({ANYTHING})))
        yield f"the role {role}", who, who
    for client_id in sorted({*old.clients, *new.clients}):
        both = old.clients.get(client_id), new.clients.get(client_id)
        yield f"the client {client_id}", _itself(both[0]), _itself(both[1])


def _itself(client: Client | None) -> _Who | None:
    """A client that acts for itself; None when it cannot."""
    if client is None or "client_credentials" not in client.grants:
        return None
    who = _holder(frozenset(client.roles), frozenset(client.permissions), frozenset(client.scopes))
    return _Who(who, _kinds(client))


def _kinds(client: Client) -> frozenset[TokenKind]:
    return frozenset({client.token_kind, *client.may_ask_for})


def _holder(
    roles: frozenset[str], permissions: frozenset[Permission], scopes: frozenset[Permission]
) -> Principal:
    return Principal(Subject.user("somebody"), "", roles, permissions, scopes)


def _roles(old: Plan, new: Plan) -> Iterator[Difference]:
    for role in sorted({*old.roles, *new.roles}):
        was, now = old.roles.get(role), new.roles.get(role)
        about = f"the role {role}"
        if was is None and now is not None:
            yield Difference(about, f"is new: it bundles {_words(now)}")
        elif now is None and was is not None:
            yield Difference(about, f"is gone; it bundled {_words(was)}")
        elif was is not None and now is not None:
            yield from _changed(about, "bundles", was, now)


def _clients(old: Plan, new: Plan) -> Iterator[Difference]:
    for client_id in sorted({*old.clients, *new.clients}):
        was, now = old.clients.get(client_id), new.clients.get(client_id)
        about = f"the client {client_id}"
        if was is None or now is None:
            yield Difference(about, "is new" if was is None else "is gone: its tokens are refused")
            continue
        if was.kind is not now.kind:
            yield Difference(about, f"is {now.kind} instead of {was.kind}")
        for verb, before, after in (
            ("may use the grant", was.grants, now.grants),
            ("may carry the scope", was.scopes, now.scopes),
            ("has the role", was.roles, now.roles),
            ("has the permission", was.permissions, now.permissions),
            ("gets tokens of the kind", _kinds(was), _kinds(now)),
        ):
            yield from _changed(about, verb, before, after)


def _limits(old: Plan, new: Plan, pairs: Pairs) -> Iterator[Difference]:
    """How often somebody may call, as it is written."""
    was, now = old.limits, new.limits
    for about, before, after in (
        ("one address", was.per_source, now.per_source),
        ("one person", was.per_person, now.per_person),
        ("one client", was.per_client, now.per_client),
    ):
        if before != after:
            yield Difference(about, f"may call {_often(after)}; before, {_often(before)}")
    for key, served, serves in pairs:
        if served is not None and serves is not None and served.limit != serves.limit:
            often = f"may be called {_often(serves.limit)} by one caller; before, {_often(served.limit)}"
            yield Difference(str(key), often)
    for client_id in sorted({*old.clients} & {*new.clients}):
        quotas = old.clients[client_id].quota, new.clients[client_id].quota
        if quotas[0] != quotas[1]:
            could, can = ("without a quota" if one is None else f"{one} times a day" for one in quotas)
            yield Difference(f"the client {client_id}", f"may call {can}; before, {could}")


def _often(rate: Rate | None) -> str:
    return "without a limit" if rate is None else str(rate)


def _changed(about: str, verb: str, was: Collection[object], now: Collection[object]) -> Iterator[Difference]:
    """`bundles a:b too`, `bundles c:d no more`."""
    added, removed = ({*now} - {*was}), ({*was} - {*now})
    if added:
        yield Difference(about, f"{verb} {_words(added)} too")
    if removed:
        yield Difference(about, f"{verb} {_words(removed)} no more")


def _words(things: Collection[object]) -> str:
    return listed(sorted(map(str, things)), "and") or "nothing"
