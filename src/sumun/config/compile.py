"""Document -> Plan: pure, the same input gives the same Plan, and every problem is found in one run.

nodes -> settings (one class for each section) -> what settings mean to each other -> Plan
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import MappingProxyType

from sumun.access import TokenKind
from sumun.config.checking import Checked, check
from sumun.config.clients import ClientCompiler, refuse_long_jwt
from sumun.config.document import Document, MappingNode
from sumun.config.findings import Findings, raise_all
from sumun.config.listeners import Listeners, compile_listeners
from sumun.config.login_chains import LoginChains
from sumun.config.origins import own_origins
from sumun.config.plan import (
    Limits,
    NodeSettings,
    Plan,
    RefreshSettings,
    Route,
    Sentence,
    SessionSettings,
    TokenSettings,
)
from sumun.config.policy_tests import PolicyTests
from sumun.config.refused import RefusedError
from sumun.config.registration_settings import compile_registration
from sumun.config.requirements import RequirementReader
from sumun.config.rights import parse_right
from sumun.config.routes import RouteCompiler, note_unreached, note_unused
from sumun.config.services import compile_services
from sumun.config.settings import Settings
from sumun.config.values import Reading
from sumun.config.vocabulary import Vocabulary
from sumun.identity import Permission
from sumun.plugins import Catalogue

_REQUIRED = (("services", "{NAME: {url: http://127.0.0.1:9101}}"), ("routes", "[{path: /, service: NAME}]"))


def compile_plan(
    document: Document, catalogue: Catalogue, beside: Sequence[Document] = (), *, try_tests: bool = True
) -> Plan:
    """The plan that a document asks for. Raises ConfigProblemsError with everything that is wrong.

    `beside` are files of policy tests; they and the document's own are tried when nothing else is wrong.

    Raises plugins.BrokenKindError when a kind that the document names cannot be imported.
    """
    findings = Findings(document)
    root = document.root
    for name, example in _REQUIRED:
        if name not in root.entries:
            findings.problem_at(root.place, name, "is missing", "", f"write {name}: {example}")
    reading = Reading(document.folder, _names(root, "roles") or frozenset())
    checked = check(root, Settings, findings, reading)
    if checked is None:
        findings.raise_if_any()
        raise AssertionError("settings in which nothing is wrong were refused")
    plan = _compile(checked, root, findings, LoginChains(findings, catalogue, reading))
    tests = PolicyTests(_declared(checked, Findings(document)), _names(root, "roles"), plan.clients, reading)
    tests.add(checked, findings)
    every = (findings, *map(tests.add_file, beside))
    raise_all(every)
    if not tests or not try_tests:
        return plan
    tests.try_all(plan)
    raise_all(every)
    files = f" of {len(beside)} file{'s' * (len(beside) != 1)} beside and this one" if beside else ""
    held = f"1 policy test{files} holds" if len(tests) == 1 else f"{len(tests)} policy tests{files} hold"
    findings.note(root.place_of("tests"), held)
    return replace(plan, notes=findings.notes)


def _compile(checked: Checked[Settings], root: MappingNode, findings: Findings, chains: LoginChains) -> Plan:
    """The parts, in the order in which they need each other: rights are given before any route requires one."""
    settings = checked.settings
    declared = _declared(checked, findings)
    vocabulary = Vocabulary(findings, declared, _names(root, "roles"))
    roles = _roles(checked, vocabulary)
    listeners = compile_listeners(checked, findings)
    services = compile_services(checked, findings)
    chains.compile(checked, _names(root, "authenticators"))
    clients = ClientCompiler(findings, vocabulary, chains, settings).compile(checked)
    routes = RouteCompiler(
        findings,
        RequirementReader(findings, vocabulary),
        _names(root, "services"),
        has_internal_listener="internal" in root.entries,
    ).compile(checked)
    routes = tuple(
        replace(route, audience=services[route.service].audience) if route.service in services else route
        for route in routes
    )
    given = {kind for c in clients.values() if c.grants for kind in (c.token_kind, *c.may_ask_for)}
    note_unreached(routes, frozenset(given), findings)
    note_unused(services, routes, findings)
    vocabulary.note_unrequired()
    chains.note_unused()
    return Plan(
        listen=listeners.public,
        internal=listeners.internal,
        operator=listeners.operator,
        services=MappingProxyType(services),
        roles=MappingProxyType(roles),
        routes=routes,
        login=chains.default,
        authenticators=MappingProxyType(chains.all()),
        clients=MappingProxyType(clients),
        registration=compile_registration(settings.registration, checked.node, vocabulary, findings),
        tokens=_tokens(checked, listeners, routes, findings),
        sessions=_sessions(checked, findings),
        limits=_limits(checked, findings),
        node=_node(checked),
        permissions=MappingProxyType({str(permission): words for permission, words in declared.items()}),
        tls=MappingProxyType(listeners.tls),
        notes=findings.notes,
    )


def _names(root: MappingNode, section: str) -> frozenset[str] | None:
    """The names that a section defines, right or wrong; None when the section is no mapping and nobody can tell."""
    value = root.get(section)
    if value is None:
        return frozenset()
    return frozenset(value.entries) if isinstance(value, MappingNode) else None


def _declared(checked: Checked[Settings], findings: Findings) -> dict[Permission, Sentence]:
    section = checked.node.mapping("permissions")
    declared = {}
    for text, words in checked.settings.permissions.items():
        try:
            declared[parse_right(text, patterns=False, roles=False)] = words
        except RefusedError as error:
            findings.refused(section.entries[text].key, error)
    return declared


def _roles(checked: Checked[Settings], vocabulary: Vocabulary) -> dict[str, frozenset[Permission]]:
    section = checked.node.mapping("roles")
    for role, permissions in checked.settings.roles.items():
        for item, permission in zip(section.items(role), permissions, strict=True):
            vocabulary.give(item, permission)
    return {role: frozenset(permissions) for role, permissions in checked.settings.roles.items()}


def _tokens(
    checked: Checked[Settings], listeners: Listeners, routes: Iterable[Route], findings: Findings
) -> TokenSettings:
    tokens = checked.settings.tokens
    section = checked.node.mapping("tokens")
    access, jwt = section.mapping("access"), section.mapping("jwt")
    if tokens.access.kind is TokenKind.JWT and "lifetime" in access.entries:
        what = "is for opaque tokens, and here the kind is jwt"
        findings.problem(access.entries["lifetime"].key, what, "", "write tokens: {jwt: {lifetime: ..}}")
    if not tokens.jwt.force_long_lifetime and "lifetime" in jwt.entries:
        refuse_long_jwt(tokens.jwt.lifetime, jwt, findings)
    return TokenSettings(
        issuer=listeners.issuer,
        audience=tokens.audience or listeners.issuer,
        opaque_lifetime_seconds=tokens.access.lifetime,
        jwt_lifetime_seconds=tokens.jwt.lifetime,
        jwt_algorithm=tokens.jwt.algorithm,
        identity_lifetime_seconds=tokens.identity.lifetime,
        access_kind=tokens.access.kind,
        refresh=RefreshSettings(tokens.refresh.lifetime, tokens.refresh.idle, tokens.refresh.overlap),
        origins=own_origins(listeners.issuer, listeners.tls, routes, tokens.dpop.origins),
        proof_nonce=tokens.dpop.nonce,
    )


def _sessions(checked: Checked[Settings], findings: Findings) -> SessionSettings:
    sessions = checked.settings.sessions
    if sessions.idle > sessions.absolute:
        section = checked.node.mapping("sessions")
        place = section.place_of("idle" if "idle" in section.entries else "absolute")
        what = "a login may be idle for longer than it lasts at all"
        findings.problem_at(place, "", what, "", "make idle at most absolute")
    return SessionSettings(idle_seconds=sessions.idle, absolute_seconds=sessions.absolute)


def _limits(checked: Checked[Settings], findings: Findings) -> Limits:
    limits = checked.settings.limits
    if limits.token_size > limits.header_size // 2:
        section = checked.node.mapping("limits")
        place = section.place_of("token_size" if "token_size" in section.entries else "header_size")
        what = "a token of the largest size takes more than half of the head of a request"
        findings.problem_at(place, "", what, "", "make header_size at least twice token_size")
    return Limits(
        header_bytes=limits.header_size,
        token_bytes=limits.token_size,
        max_connections=limits.connections,
        client_timeout_ms=limits.client_timeout,
        request_timeout_ms=limits.request_timeout,
        decision_timeout_ms=limits.decision_timeout,
        old_workers=limits.old_workers,
        old_worker_lifetime_ms=limits.old_worker_lifetime,
        password_checks_at_once=limits.password_checks_at_once,
        password_checks_waiting=limits.password_checks_waiting,
        login_failures_per_account_and_source=limits.login_failures_per_account_and_source,
        login_failures_total=limits.login_failures_total,
        login_window_seconds=limits.login_window,
        wrong_tokens_per_source=limits.wrong_tokens_per_source,
        waiting_per_source=limits.waiting_per_source,
        waiting_total=limits.waiting_total,
        per_source=limits.per_source,
        per_person=limits.per_person,
        per_client=limits.per_client,
    )


def _node(checked: Checked[Settings]) -> NodeSettings:
    node = checked.settings.node
    section = checked.node.mapping("node")
    return NodeSettings(
        answerers=node.answerers,
        haproxy_threads=node.haproxy_threads,
        run_as=node.run_as or "",
        store=replace(node.store, where=section.place_of("store")) if node.store.source else None,
        directory=replace(node.directory, where=section.place_of("directory"))
        if node.directory.source
        else None,
        serve_known_for_seconds=checked.settings.outage.serve_known_for,
        kept_facts=node.kept_facts,
    )
