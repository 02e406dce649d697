"""The services: settings -> `plan.Service`."""

from __future__ import annotations

from sumun.config.checking import Checked
from sumun.config.cors_settings import CorsSettings
from sumun.config.document import MappingNode
from sumun.config.findings import Findings
from sumun.config.network import Server
from sumun.config.plan import ANY_ORIGIN, Cors, IdentityToken, Service, ServiceProtocol
from sumun.config.service_settings import ServiceSettings
from sumun.config.settings import Settings

MAX_SERVERS = 64
MAX_ORIGINS = 100
MAX_FIELDS = 16
"""Header fields in a list of CORS: a line of HAProxy's configuration holds 2048 bytes."""


def compile_services(checked: Checked[Settings], findings: Findings) -> dict[str, Service]:
    """The services by name, in the order of the file. What is wrong goes to the findings."""
    section = checked.node.mapping("services")
    services = {}
    for name, settings in checked.settings.services.items():
        servers = _servers(settings, section.mapping(name), findings)
        if servers is None:
            continue
        origins = _origins(settings, section.mapping(name), servers[0].protocol, findings)
        signed = settings.identity_token is IdentityToken.ALWAYS or (
            settings.identity_token is IdentityToken.AUTO
            and not all(server.on_loopback for server in servers)
        )
        services[name] = Service(
            id=name,
            protocol=servers[0].protocol,
            servers=tuple((server.host, server.port) for server in servers),
            signed=signed,
            connect_timeout_ms=settings.connect_timeout,
            response_timeout_ms=settings.response_timeout,
            stream_timeout_ms=settings.stream_timeout,
            origins=tuple(origins),
            audience=settings.audience,
            refuse_trailers=settings.refuse_trailers,
            cors=_cors(settings.cors, section.mapping(name), findings),
            where=section.entries[name].key.place,
        )
    return services


def _origins(
    settings: ServiceSettings, node: MappingNode, protocol: ServiceProtocol, findings: Findings
) -> list[str]:
    if settings.websocket is None:
        return []
    origins, entry = settings.websocket.origins, node.entries["websocket"]
    if protocol is ServiceProtocol.H2C:
        what = "means nothing here: an h2c service is called over gRPC"
        findings.problem(entry.key, what, "", "remove `websocket`")
    _check_list(
        node.mapping("websocket"), "origins", origins, findings, "remove `websocket` to let every page"
    )
    return origins


def _cors(settings: CorsSettings | None, node: MappingNode, findings: Findings) -> Cors | None:
    if settings is None:
        return None
    inside = node.mapping("cors")
    _check_list(inside, "origins", settings.origins, findings, "remove `cors`")
    if ANY_ORIGIN in settings.origins and len(settings.origins) > 1:
        what = "has the others in it already"
        item = inside.items("origins")[settings.origins.index(ANY_ORIGIN)]
        findings.problem(item, what, "", 'write origins: ["*"], or remove it')
    for name, fields in (("headers", settings.headers), ("expose", settings.expose)):
        if name in inside.entries:
            _check_fields(inside, name, fields, findings)
    return Cors(tuple(settings.origins), tuple(settings.headers), tuple(settings.expose), settings.max_age)


def _check_list(node: MappingNode, name: str, origins: list[str], findings: Findings, mend: str) -> None:
    if not origins:
        findings.problem(node.entries[name].value, "an empty list lets no page in", "", mend)
    elif len(origins) > MAX_ORIGINS:
        findings.problem(node.entries[name].value, f"has more than {MAX_ORIGINS} origins")
    _refuse_twice(node, name, origins, findings)


def _check_fields(node: MappingNode, name: str, fields: list[str], findings: Findings) -> None:
    if len(fields) > MAX_FIELDS:
        findings.problem(node.entries[name].value, f"has more than {MAX_FIELDS} header fields")
    _refuse_twice(node, name, [field.lower() for field in fields], findings)


def _refuse_twice(node: MappingNode, name: str, listed: list[str], findings: Findings) -> None:
    for i, item in enumerate(node.items(name)):
        if listed[i] in listed[:i]:
            findings.problem(item, "stands twice", "", "keep one")


def _servers(settings: ServiceSettings, node: MappingNode, findings: Findings) -> list[Server] | None:
    if settings.url is not None and settings.urls is not None:
        findings.problem(
            node.entries["urls"].key, "stands beside `url`", "one of the two", "put all into `urls`"
        )
        return None
    if settings.url is not None:
        return [settings.url]
    if settings.urls is None:
        findings.problem_at(
            node.place, "url", "is missing", "url or urls", "write url: http://127.0.0.1:9101"
        )
        return None
    return _several(settings.urls, node, findings)


def _several(urls: list[Server], node: MappingNode, findings: Findings) -> list[Server] | None:
    if not 1 <= len(urls) <= MAX_SERVERS:
        findings.problem(node.entries["urls"].value, f"a service has 1 to {MAX_SERVERS} servers")
        return None
    good = True
    for i, (item, server) in enumerate(zip(node.items("urls"), urls, strict=True)):
        if server in urls[:i]:
            findings.problem(item, "stands twice", "", "keep one")
            good = False
        elif server.protocol is not urls[0].protocol:
            findings.problem(
                item, f"has another scheme than the first, {urls[0].protocol}", "one scheme for a service"
            )
            good = False
    return urls if good else None
