"""The listeners, and the issuer that clients know the gateway by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

from sumun.config.checking import Checked
from sumun.config.document import MappingNode
from sumun.config.findings import Findings
from sumun.config.network import bracketed, host_of, is_loopback, is_wildcard
from sumun.config.plan import Address
from sumun.config.settings import ListenerSettings, Settings


@dataclass(frozen=True, slots=True)
class Listeners:
    """Where the gateway listens, and its issuer."""

    public: Address
    internal: Address | None
    operator: Address | None
    issuer: str


def compile_listeners(checked: Checked[Settings], findings: Findings) -> Listeners:
    """The listeners. What is wrong goes to the findings."""
    settings, node = checked.settings, checked.node
    public = replace(settings.listen, where=node.place_of("listen"))
    internal = _beside("internal", settings.internal, node, findings)
    operator = _beside("operator", settings.operator, node, findings)
    named = [("listen", public), ("internal", internal), ("operator", operator)]
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
    return Listeners(public, internal, operator, _issuer(settings, node, public, findings))


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
        if settings.issuer.startswith("http://") and not is_loopback(host_of(settings.issuer)):
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
    elif not is_loopback(public.host):
        findings.note(
            public.where, "clients reach this address by http: passwords and tokens travel in clear"
        )
    return f"http://{bracketed(public.host)}:{public.port}"
