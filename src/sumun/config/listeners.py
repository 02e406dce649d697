"""The listeners, and the issuer that clients know the gateway by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from sumun.config.checking import Checked
from sumun.config.document import MappingNode
from sumun.config.findings import Findings
from sumun.config.network import bracketed, host_of, is_loopback, is_wildcard
from sumun.config.plan import Address, Tls
from sumun.config.settings import ListenerSettings, Settings
from sumun.config.tls import compile_tls
from sumun.config.tls_settings import TlsSettings


@dataclass(frozen=True, slots=True)
class Listeners:
    """Where the gateway listens, and its issuer."""

    public: Address
    internal: Address | None
    operator: Address | None
    issuer: str
    tls: dict[str, Tls]


def compile_listeners(checked: Checked[Settings], findings: Findings) -> Listeners:
    """The listeners. What is wrong goes to the findings."""
    settings, node = checked.settings, checked.node
    public = replace(settings.listen, where=node.place_of("listen"))
    internal = _beside("internal", settings.internal, node, findings)
    operator = _beside("operator", settings.operator, node, findings)
    tls = dict(_tls(settings, node, findings))
    named = [("listen", public), ("internal", internal), ("operator", operator), *_more_addresses(tls)]
    listening = [(name, address) for name, address in named if address is not None]
    for (one_name, one), (name, two) in combinations(listening, 2):
        if _collide(one, two):
            findings.problem_at(
                two.where,
                f"{bracketed(two.host)}:{two.port}",
                f"is taken by `{one_name}`, which listens on {bracketed(one.host)}:{one.port}",
                "a port of its own for each listener",
                f"write another port for `{name}`",
            )
    issuer = _issuer(settings, node, public, findings)
    return Listeners(public, internal, operator, issuer, tls)


def _tls(settings: Settings, root: MappingNode, findings: Findings) -> Iterator[tuple[str, Tls]]:
    """Of each listener that speaks it."""
    asked: list[tuple[str, TlsSettings | None, MappingNode]] = [("public", settings.tls, root)]
    for name, beside in (("internal", settings.internal), ("operator", settings.operator)):
        asked.append((name, None if beside is None else beside.tls, root.mapping(name)))
    for name, one, node in asked:
        tls = compile_tls(one, node, findings)
        if tls is not None:
            yield name, tls


def _more_addresses(tls: dict[str, Tls]) -> Iterator[tuple[str, Address | None]]:
    """What is listened on beside the listeners' own addresses."""
    for name, one in tls.items():
        section = "tls" if name == "public" else f"{name}.tls"
        if one.clients is not None:
            yield f"{section}.client_certificates.listen", one.clients.listen
        yield f"{section}.redirect_from", one.redirect_from


def _beside(
    name: str, settings: ListenerSettings | None, root: MappingNode, findings: Findings
) -> Address | None:
    if settings is None:
        return None
    section = root.mapping(name)
    address = replace(settings.listen, where=section.place_of("listen"))
    if is_wildcard(address.host) and not settings.exposed:
        findings.problem(
            section.entries["listen"].value,
            "listens on every address of this machine, and whoever reaches it is inside",
            "the address of the inner network, or this one with `exposed: true`",
            f"write 127.0.0.1:{address.port}, or the address of the inner network",
        )
    return address


def _collide(one: Address, two: Address) -> bool:
    return one.port == two.port and (one.host == two.host or is_wildcard(one.host) or is_wildcard(two.host))


def _issuer(settings: Settings, node: MappingNode, public: Address, findings: Findings) -> str:
    if settings.issuer is not None:
        value = node.place_of("issuer")
        if settings.issuer.startswith("http://") and settings.tls is not None:
            findings.problem(
                node.entries["issuer"].value,
                "is http, and clients come by TLS: they would look for this gateway in vain",
                "the URL by which clients know this gateway",
                f"write https://{settings.issuer.removeprefix('http://')}",
            )
        elif settings.issuer.startswith("http://") and not is_loopback(host_of(settings.issuer)):
            findings.note(
                value, "the issuer is http: passwords and tokens travel in clear (RFC 8414 asks for https)"
            )
        return settings.issuer
    if "issuer" not in node.entries and is_wildcard(public.host):
        findings.problem_at(
            public.where,
            "issuer",
            "is missing: an address of every network is no name that tokens could carry",
            "the URL by which clients know this gateway",
            "write issuer: https://HOST",
        )
    elif settings.tls is None and not is_loopback(public.host):
        findings.note(
            public.where, "clients reach this address by http: passwords and tokens travel in clear"
        )
    scheme, usual_port = ("http", 80) if settings.tls is None else ("https", 443)
    port = "" if public.port == usual_port else f":{public.port}"
    return f"{scheme}://{bracketed(public.host)}{port}"
