"""Policy tests: what the operator says must become of calls, tried on the plan. Pure: no directory, no token, no call.

    settings -> PolicyTest -> route by `precedence`, decision by `access.decide()` -> held, or a problem at `expect`

Tests stand in the configuration under `tests:` and in files `*.test.yaml` beside it. They are tried when everything
else is good, all of them, so that one run tells every one that fails.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sumun.access import Access, Allow, Evidence, HasPermission, Missing, Proven, Refuse, TokenKind, decide
from sumun.access.remedy import remedy_for
from sumun.config.calls import STATUS_OF, Call, NotServed, rule_of
from sumun.config.checking import Checked, check
from sumun.config.closest import closest
from sumun.config.document import Document, MappingNode, Node, ScalarNode
from sumun.config.findings import Findings
from sumun.config.plan import Client, Plan, Route
from sumun.config.policy_test_settings import ALLOW, CallerSettings, PolicyTestFile, PolicyTestSettings
from sumun.config.problems import did_you_mean
from sumun.config.route_index import RouteIndex
from sumun.config.settings import Settings
from sumun.config.values import Reading
from sumun.config.vocabulary import Vocabulary
from sumun.identity import Permission, Principal, Subject

NOBODY = "nobody"
_CALLERS = (
    "nobody, {client: ID}, or what somebody holds: {roles: [..], permissions: [..], scopes: [..], audience: [..], "
    "token: jwt}"
)
_OF_A_CLIENT = ("client", "token", "audience")
_SOMEBODY = Subject.user("somebody")
_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody with a token. `kind` None: of a kind that the route takes."""

    principal: Principal
    kind: TokenKind | None


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """One test. `caller` None: nobody. `at` is the node of `expect`, `findings` those of its file."""

    name: str
    caller: Holder | None
    call: Call
    expected: str
    at: Node
    findings: Findings


class PolicyTests:
    """The tests of one configuration, from all its files."""

    def __init__(
        self,
        declared: Collection[Permission],
        roles: frozenset[str] | None,
        clients: Mapping[str, Client],
        reading: Reading,
    ) -> None:
        """What tests may name. `roles` None: nobody can tell."""
        self._declared = declared
        self._roles = roles
        self._clients = clients
        self._reading = reading
        self._tests: list[PolicyTest] = []

    def __len__(self) -> int:
        """How many there are."""
        return len(self._tests)

    def add(self, checked: Checked[Settings] | Checked[PolicyTestFile], findings: Findings) -> None:
        """The tests of one file; what is wrong with them goes to its findings."""
        vocabulary = Vocabulary(findings, self._declared, self._roles)
        for settings, node in zip(checked.settings.tests, checked.node.items("tests"), strict=True):
            if isinstance(node, MappingNode):
                self._add(settings, node, findings, vocabulary)

    def add_file(self, document: Document) -> Findings:
        """The tests of a file that holds nothing else; what is wrong with it."""
        findings = Findings(document)
        checked = check(document.root, PolicyTestFile, findings, self._reading)
        if checked is not None:
            self.add(checked, findings)
        return findings

    def try_all(self, plan: Plan) -> None:
        """Try every test; each that fails is a problem at its place."""
        routes = RouteIndex(plan.routes)
        for test in self._tests:
            _try(test, plan, routes)

    def _add(
        self, settings: PolicyTestSettings, node: MappingNode, findings: Findings, vocabulary: Vocabulary
    ) -> None:
        who = node.entries["as"].value
        if isinstance(who, ScalarNode) and who.text == NOBODY:
            caller = None
        else:
            caller = self._holder(who, findings, vocabulary)
            if caller is None:
                return
        method, path = settings.call
        call = Call(method, path, settings.host or "", settings.internal)
        self._tests.append(
            PolicyTest(settings.name, caller, call, settings.expect, node.entries["expect"].value, findings)
        )

    def _holder(self, node: Node, findings: Findings, vocabulary: Vocabulary) -> Holder | None:
        if not isinstance(node, MappingNode):
            findings.problem(node, "is not who calls", _CALLERS)
            return None
        if "user" in node.entries:
            what = "names a person, and people stand in the directory, which a check does not read"
            mend = "say what they hold, {roles: [user]}; `sumun explain --user` asks the directory"
            findings.problem(node.entries["user"].key, what, _CALLERS, mend)
            return None
        checked = check(node, CallerSettings, findings, self._reading, within="as")
        if checked is None or _lost_some(node, checked.node):
            return None
        if "client" in node.entries:
            return self._client(checked, findings)
        said = checked.settings
        for item, role in zip(node.items("roles"), said.roles, strict=True):
            vocabulary.check_role(item, role)
        for item, permission in zip(node.items("permissions"), said.permissions, strict=True):
            vocabulary.check_declared(item, permission)
        for item, scope in zip(node.items("scopes"), said.scopes, strict="scopes" in node.entries):
            vocabulary.check_scope(item, scope)
        held = (frozenset(said.roles), frozenset(said.permissions), frozenset(said.scopes))
        return Holder(Principal(_SOMEBODY, "", *held, audience=frozenset(said.audience)), said.token)

    def _client(self, checked: Checked[CallerSettings], findings: Findings) -> Holder | None:
        node, name = checked.node.entries["client"].value, str(checked.settings.client)
        others = [entry.key for key, entry in checked.node.entries.items() if key not in _OF_A_CLIENT]
        for other in others:
            findings.problem(other, "is the client's own: the test takes it from `clients:`", "", "remove it")
        client = self._clients.get(name)
        if client is None:
            listed = ", ".join(sorted(self._clients)[:20]) or "none: there is no client under `clients:`"
            findings.problem(
                node, "is not a client of this file", listed, did_you_mean(closest(name, self._clients))
            )
        if client is None or others:
            return None
        held = (frozenset(client.roles), frozenset(client.permissions), frozenset(client.scopes))
        audience = frozenset(checked.settings.audience)
        who = Principal(Subject.client(client.id), client.id, *held, client_id=client.id, audience=audience)
        return Holder(who, checked.settings.token or client.token_kind)


def _try(test: PolicyTest, plan: Plan, routes: RouteIndex) -> None:
    """Try one test; a problem when it does not hold."""
    route = routes.serve(test.call)
    if isinstance(route, NotServed):
        outcome, what, mend = str(route.status), *_not_served(test.call, route)
    else:
        outcome, what, mend = _decided(test, route, plan)
    if outcome == test.expected:
        return
    call = f"{test.call.method} {test.call.path}"
    width = len(test.at.text) if isinstance(test.at, ScalarNode) else 1
    test.findings.problem_at(
        test.at.place, test.name, f"expects {test.expected}, and {call} {what}", "", mend, width=width
    )


def _not_served(call: Call, none: NotServed) -> tuple[str, str]:
    if none.hidden is not None:
        where = none.hidden.where
        return "is 404: its route is for the internal listener", f"write internal: true, or change {where}"
    if none.allowed:
        return f"is 405: this path is served for {', '.join(none.allowed)}", f"serve {call.method} too"
    return "is 404: no route has this host and path", "add a route, or expect 404"


def _decided(test: PolicyTest, route: Route, plan: Plan) -> tuple[str, str, str]:
    """Outcome, what happened, and what would change it."""
    evidence = _evidence(test.caller, route)
    rule = rule_of(route)
    decision = decide(rule, evidence, plan.roles, internal=test.call.internal)
    by = f"by the route {route.id} ({route.where})"
    if isinstance(decision, Allow):
        return ALLOW, f"is allowed {by}", _mend_allowed(route)
    status = STATUS_OF[decision.reason]
    missing = f", missing {_words(decision)}" if decision.missing else ""
    mend = "who sends no token is refused, unless the route is public"
    if isinstance(evidence, Proven):
        remedy = remedy_for(rule, evidence, plan.roles, internal=test.call.internal)
        mend = "" if remedy is None else f"with {remedy} it would be allowed"
    return str(status), f"is refused {by}: {status} {decision.reason}{missing}", mend


def _mend_allowed(route: Route) -> str:
    if route.access is Access.PROTECTED:
        return "require more there, or let this caller hold less"
    return f"it is {route.access}: require a permission there"


def _words(refused: Refuse) -> str:
    leaves = (
        str(leaf.permission) if isinstance(leaf, HasPermission) else f"role {leaf.role}"
        for leaf in refused.missing
    )
    return ", ".join(sorted(leaves))


def _evidence(caller: Holder | None, route: Route) -> Evidence:
    if caller is None:
        return Missing()
    return Proven(caller.principal, caller.kind or min(route.kinds), _NEVER)


def _lost_some(written: MappingNode, read: MappingNode) -> bool:
    """Whether a part of it was refused: what is left would be another caller."""
    return any(
        key not in read.entries or len(written.items(key)) != len(read.items(key)) for key in written.entries
    )
