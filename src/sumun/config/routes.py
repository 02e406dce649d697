"""The routes: settings -> `plan.Route`, and everything that can be wrong between two of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sumun.access import TOKENS, Access, Requirement, TokenKind
from sumun.config.checking import Checked
from sumun.config.closest import closest
from sumun.config.document import MappingNode
from sumun.config.findings import Findings
from sumun.config.paths import PathKind, PathPattern, parse_path
from sumun.config.plan import METHODS, OWN_PATHS, Route, Service, Shadow
from sumun.config.problems import did_you_mean
from sumun.config.refused import RefusedError
from sumun.config.requirements import RequirementReader
from sumun.config.route_settings import RouteSettings
from sumun.config.settings import Settings

_LONGEST_NAME = 100  # characters of a name that is made; a path may be longer


@dataclass(frozen=True, slots=True)
class _Read:
    """One route whose own settings are good."""

    settings: RouteSettings
    node: MappingNode
    pattern: PathPattern
    access: Access
    requirement: Requirement
    kinds: frozenset[TokenKind]
    shadow: Shadow | None


class RouteCompiler:
    """Compiles the routes of one file; what is wrong goes to the findings."""

    def __init__(
        self,
        findings: Findings,
        requirements: RequirementReader,
        services: Iterable[str] | None,
        *,
        has_internal_listener: bool,
    ) -> None:
        """`services`: the names that exist, or None when nobody can tell because the section is broken."""
        self._findings = findings
        self._requirements = requirements
        self._services = None if services is None else frozenset(services)
        self._has_internal_listener = has_internal_listener

    def compile(self, checked: Checked[Settings]) -> tuple[Route, ...]:
        """The routes, in the order of the file."""
        pairs = zip(checked.settings.routes, checked.node.items("routes"), strict=True)
        nodes = [(settings, node) for settings, node in pairs if isinstance(node, MappingNode)]
        read = [one for settings, node in nodes if (one := self._read(settings, node)) is not None]
        self._refuse_doubles(read)
        names = self._names(read)
        return tuple(_route(one, name) for one, name in zip(read, names, strict=True))

    def _read(self, settings: RouteSettings, node: MappingNode) -> _Read | None:
        """Every part is looked at, whatever is wrong with the others."""
        self._check_service(settings, node)
        self._check_methods(settings, node)
        kinds = self._kinds(settings, node)
        asked = self._requirements.read(node.get("require"))
        if asked is not None:
            self._check_access(asked[0], settings, node)
        shadow = None
        if "shadow" in node.entries:
            shadow = self._shadow(settings, node, asked, kinds)
        pattern = self._pattern(settings, node)
        return (
            None
            if asked is None or pattern is None
            else _Read(settings, node, pattern, *asked, kinds, shadow)
        )

    def _pattern(self, settings: RouteSettings, node: MappingNode) -> PathPattern | None:
        path = node.entries["path"].value
        try:
            pattern = parse_path(settings.path)
        except RefusedError as error:
            self._findings.refused(path, error)
            return None
        own = pattern.own_path
        if own is not None:
            what = f"lies in {own}, which sumun answers itself: the route would never be reached"
            self._findings.problem(
                path, what, f"a path outside {', '.join(OWN_PATHS)}", "choose another path"
            )
            return None
        return pattern

    def _check_service(self, settings: RouteSettings, node: MappingNode) -> None:
        if self._services is not None and settings.service not in self._services:
            allowed = ", ".join(sorted(self._services)[:20]) or "none: there is no service under `services:`"
            near = did_you_mean(closest(settings.service, self._services))
            self._findings.problem(node.entries["service"].value, "is not a service", allowed, near)

    def _check_methods(self, settings: RouteSettings, node: MappingNode) -> None:
        if settings.methods is None:
            return
        if not settings.methods:
            what = "an empty list serves no method"
            self._findings.problem(
                node.entries["methods"].value, what, "", "remove `methods` for every method"
            )
        for i, item in enumerate(node.items("methods")):
            if settings.methods[i] in settings.methods[:i]:
                self._findings.problem(item, "stands twice", "", "keep one")

    def _check_access(self, access: Access, settings: RouteSettings, node: MappingNode) -> None:
        if access is Access.PROTECTED:
            return
        if "tokens" in node.entries:
            what = f"means nothing here: with `require: {access}` no token is looked at"
            self._findings.problem(node.entries["tokens"].key, what, "", "remove `tokens`")
        if settings.session:
            what = f"means nothing here: with `require: {access}` nobody has to be logged in"
            self._findings.problem(node.entries["session"].key, what, "", "remove `session`")
        if "stream" in node.entries:
            what = f"means nothing here: with `require: {access}` there is no token that it could end with"
            self._findings.problem(node.entries["stream"].key, what, "", "remove `stream`")
        if access is Access.INTERNAL and not self._has_internal_listener:
            self._findings.problem(
                node.entries["require"].value,
                "cannot be met: there is no internal listener",
                "",
                "add internal: {listen: 127.0.0.1:8081}",
            )

    def _kinds(self, settings: RouteSettings, node: MappingNode) -> frozenset[TokenKind]:
        session = frozenset({TokenKind.SESSION} if settings.session else ())
        if settings.tokens is None:
            return TOKENS | session
        if not settings.tokens and not session:
            what = "an empty list lets no token in"
            self._findings.problem(node.entries["tokens"].value, what, "", "remove `tokens` for every kind")
        return frozenset(settings.tokens) | session

    def _shadow(
        self,
        settings: RouteSettings,
        node: MappingNode,
        asked: tuple[Access, Requirement] | None,
        kinds: frozenset[TokenKind],
    ) -> Shadow | None:
        """The rule that only reports; None when something is wrong with it, or nothing would ever be reported."""
        entry, inside = node.entries["shadow"], node.mapping("shadow")
        if settings.shadow is None or not inside.entries:
            what = "says nothing that could be reported"
            self._findings.problem(entry.key, what, "", "write shadow: {require: product:list}, or remove it")
            return None
        would_take = kinds
        if settings.shadow.tokens is not None:
            would_take = frozenset(settings.shadow.tokens) | (kinds - TOKENS)
            if not would_take:
                what = "an empty list would let no token in"
                self._findings.problem(
                    inside.entries["tokens"].value, what, "", "name a kind, or remove `tokens`"
                )
        wanted = inside.get("require")
        requirement = None if wanted is None else self._requirements.read_shadow(wanted)
        if asked is None or (wanted is not None and requirement is None):
            return None
        access, required = asked
        if access is not Access.PROTECTED:
            what = f"means nothing here: with `require: {access}` no token is looked at"
            self._findings.problem(entry.key, what, "", "remove `shadow`, or protect the route")
            return None
        shadow = Shadow(required if requirement is None else requirement, would_take, entry.key.place)
        if (shadow.requirement, shadow.kinds) == (required, kinds):
            self._findings.note(
                shadow.where, "this shadow rule asks what the route asks: it never reports anything"
            )
            return None
        self._findings.note(shadow.where, "this shadow rule only reports; the route's own decides")
        return shadow

    def _refuse_doubles(self, read: list[_Read]) -> None:
        """Two routes with one host, shape and method: nobody could say which one serves."""
        taken: dict[tuple[str, str], dict[str, _Read]] = {}
        for one in read:
            here = taken.setdefault((one.settings.host or "", one.pattern.shape), {})
            methods = one.settings.methods or METHODS
            first = next((here[method] for method in methods if method in here), None)
            if first is not None:
                self._double(one, first, [method for method in methods if method in here])
            for method in methods:
                here.setdefault(method, one)

    def _double(self, one: _Read, first: _Read, methods: list[str]) -> None:
        path = one.node.entries["path"].value
        every = len(methods) == len(METHODS)
        nothing_left = len(methods) == len(one.settings.methods or METHODS)
        what = f"is served already by the route in line {first.node.place.line}"
        what += " for every method" if every else f" for {', '.join(sorted(methods))}"
        if one.pattern.kind is PathKind.TEMPLATE and one.settings.path != first.settings.path:
            what += " (the names in {} make no difference)"
        mend = "remove one of the two" if nothing_left else "give each route the methods it serves"
        self._findings.problem(path, what, "one route for each host, path and method", mend)

    def _names(self, read: list[_Read]) -> list[str]:
        """The names that people gave, and made ones for the rest; each stands once."""
        first: dict[str, MappingNode] = {}
        for one in read:
            name = one.settings.name
            if name is not None and first.setdefault(name, one.node) is not one.node:
                what = f"is the name of the route in line {first[name].place.line} already"
                self._findings.problem(one.node.entries["name"].value, what, "", "give each its own name")
        used = set(first)
        return [one.settings.name or _made_name(one, used) for one in read]


def _route(one: _Read, name: str) -> Route:
    settings = one.settings
    return Route(
        id=name,
        host=settings.host or "",
        path=settings.path,
        methods=tuple(sorted(settings.methods or ())),
        service=settings.service,
        access=one.access,
        requirement=one.requirement,
        kinds=one.kinds,
        keeps_authorization=settings.keep_authorization,
        stream=settings.stream,
        limit=settings.limit,
        shadow=one.shadow,
        where=one.node.place,
    )


def _made_name(one: _Read, used: set[str]) -> str:
    """A name from host, methods and path, which does not change when routes are moved; a number only if it is taken."""
    segments = [segment.strip("{}") for segment in one.settings.path.split("/") if segment]
    words = [one.settings.host or "", *sorted(one.settings.methods or ["any"]), *(segments or ["root"])]
    text = "-".join(words).lower().replace("**", "all")
    base = re.sub(r"[^a-z0-9._]+", "-", text).strip("-._")[:_LONGEST_NAME]
    name, count = base, 1
    while name in used:
        count += 1
        name = f"{base}-{count}"
    used.add(name)
    return name


def note_unreached(routes: Iterable[Route], kinds: frozenset[TokenKind], findings: Findings) -> None:
    """Routes that take only a kind of token that no client is given."""
    for route in routes:
        if route.kinds < TOKENS and not route.kinds & kinds:
            only = " or ".join(sorted(route.kinds))
            findings.note(route.where, f"takes only {only} tokens, and no client of this file gets one")


def note_unused(services: Mapping[str, Service], routes: Iterable[Route], findings: Findings) -> None:
    """Services that no route leads to."""
    used = {route.service for route in routes}
    for name, service in services.items():
        if name not in used:
            findings.note(service.where, f"no route leads to the service {name}")
