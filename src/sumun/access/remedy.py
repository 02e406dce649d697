"""Remedy: the smallest change of what a caller holds that would allow a refused call. Pure.

A remedy is tried on `decide()` itself, never on a second idea of what a route wants. It is smallest in two ways: of the
ways to meet the requirement it is one that changes the fewest things, and no part of it would do. A role counts only
where the route asks for it: giving a role to reach one permission gives more than was asked (`roles_that_would_do`
names such roles beside it).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, product

from msgspec import structs

from sumun.access.decide import decide
from sumun.access.decision import Allow, Reason, Refuse
from sumun.access.evidence import Proven, TokenKind
from sumun.access.requirement import AllOf, AnyOf, HasPermission, HasRole, Requirement, is_met
from sumun.access.rule import Rule
from sumun.identity import Permission, Principal
from sumun.identity.permission import ROLE_RESOURCE

Bundles = Mapping[str, frozenset[Permission]]
Leaves = frozenset[HasPermission | HasRole]

_MOST_WAYS = 256
"""Ways to meet a requirement that are compared; people write a handful, a machine could write 64^8."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """Roles and permissions to give, scopes that the token must carry too, and the kind of token to come with."""

    roles: frozenset[str] = frozenset()
    permissions: frozenset[Permission] = frozenset()
    scopes: frozenset[Permission] = frozenset()
    kind: TokenKind | None = None

    def __len__(self) -> int:
        """How many things it changes."""
        return len(self.roles) + len(self.permissions) + len(self.scopes) + (self.kind is not None)

    def __str__(self) -> str:
        """In words: `the role admin and the scope role:admin`."""
        words = [f"the role {role}" for role in sorted(self.roles)]
        words += [f"the permission {permission}" for permission in sorted(self.permissions)]
        words += [f"the scope {scope}" for scope in sorted(self.scopes)]
        words += [self.kind.words] if self.kind else []
        return " and ".join(words)

    def applied_to(self, caller: Proven) -> Proven:
        """The caller after the change."""
        principal = structs.replace(
            caller.principal,
            roles=caller.principal.roles | self.roles,
            permissions=caller.principal.permissions | self.permissions,
            scopes=caller.principal.scopes | self.scopes,
        )
        return structs.replace(caller, principal=principal, kind=self.kind or caller.kind)

    def without_one(self) -> Iterator[Remedy]:
        """The remedy with one thing left out, for each thing in it; roles first, for they give most."""
        for role in sorted(self.roles):
            yield replace(self, roles=self.roles - {role})
        for permission in sorted(self.permissions):
            yield replace(self, permissions=self.permissions - {permission})
        for scope in sorted(self.scopes):
            yield replace(self, scopes=self.scopes - {scope})
        if self.kind is not None:
            yield replace(self, kind=None)


def remedy_for(rule: Rule, caller: Proven, bundles: Bundles, *, internal: bool = False) -> Remedy | None:
    """The smallest change after which `decide()` allows; None when it allows already or no such change would do.

    Nothing that a caller holds opens an internal route from elsewhere, or makes a token for one service one for
    another: None too.
    """
    refused = decide(rule, caller, bundles, internal=internal)
    if not isinstance(refused, Refuse) or refused.reason is Reason.NOT_INTERNAL:
        return None
    kind = None if caller.kind in rule.kinds else min(rule.kinds, default=None)
    ways = islice(_ways(rule.requirement, caller.principal, bundles), _MOST_WAYS)
    found = [
        _reduced(whole, rule, caller, bundles, internal=internal)
        for way in {refused.missing, *ways}
        if _allows(
            whole := _filled(way, caller.principal, bundles, kind), rule, caller, bundles, internal=internal
        )
    ]
    return min(found, key=_order, default=None)


def roles_that_would_do(
    rule: Rule, caller: Proven, bundles: Bundles, *, internal: bool = False
) -> tuple[str, ...]:
    """Roles of which each alone would allow the call, those that bundle least first; none when nothing is missing."""
    if isinstance(decide(rule, caller, bundles, internal=internal), Allow):
        return ()
    would = [
        role
        for role in bundles
        if role not in caller.principal.roles
        and _allows(Remedy(roles=frozenset({role})), rule, caller, bundles, internal=internal)
    ]
    return tuple(sorted(would, key=lambda role: (len(bundles[role]), role)))


def _allows(remedy: Remedy, rule: Rule, caller: Proven, bundles: Bundles, *, internal: bool) -> bool:
    return isinstance(decide(rule, remedy.applied_to(caller), bundles, internal=internal), Allow)


def _ways(requirement: Requirement, who: Principal, bundles: Bundles) -> Iterator[Leaves]:
    """Sets of leaves of which each, held, would meet the requirement; only what is not held yet."""
    match requirement:
        case HasPermission() | HasRole():
            yield frozenset() if is_met(requirement, who, bundles) else frozenset({requirement})
        case AllOf(parts):
            # Each part's ways are bounded before they are multiplied, or the product would hold them all in memory.
            each = [list(islice(_ways(part, who, bundles), _MOST_WAYS)) for part in parts]
            yield from (frozenset[HasPermission | HasRole]().union(*chosen) for chosen in product(*each))
        case AnyOf(parts):
            for part in parts:
                yield from _ways(part, who, bundles)


def _filled(way: Leaves, who: Principal, bundles: Bundles, kind: TokenKind | None) -> Remedy:
    """What has to change for every leaf of the way to be held: given, let through by the scopes, or both."""
    held = who.permissions.union(*(bundles.get(role, frozenset()) for role in who.roles))
    roles = {leaf.role for leaf in way if isinstance(leaf, HasRole)}
    permissions = {leaf.permission for leaf in way if isinstance(leaf, HasPermission)}
    scopes = permissions | {Permission(ROLE_RESOURCE, role) for role in roles}
    return Remedy(
        roles=frozenset(roles - who.roles),
        permissions=frozenset(p for p in permissions if not _covered(p, held)),
        scopes=frozenset(scope for scope in scopes if not _covered(scope, who.scopes)),
        kind=kind,
    )


def _covered(wanted: Permission, by: Iterable[Permission]) -> bool:
    return any(one.covers(wanted) for one in by)


def _reduced(remedy: Remedy, rule: Rule, caller: Proven, bundles: Bundles, *, internal: bool) -> Remedy:
    """Without what is not needed, because a role that is given anyway bundles it.

    Holding more never takes anything away, so one pass from the end is enough for no part of the rest to do.
    """
    for smaller in reversed(list(remedy.without_one())):
        cut = _both(remedy, smaller)
        if _allows(cut, rule, caller, bundles, internal=internal):
            remedy = cut
    return remedy


def _both(one: Remedy, other: Remedy) -> Remedy:
    return Remedy(
        one.roles & other.roles,
        one.permissions & other.permissions,
        one.scopes & other.scopes,
        one.kind if one.kind is other.kind else None,
    )


def _order(remedy: Remedy) -> tuple[int, int, list[str], list[Permission], list[Permission]]:
    """Fewest things first, then fewest roles; then by name, so that the answer never depends on chance."""
    return (
        len(remedy),
        len(remedy.roles),
        sorted(remedy.roles),
        sorted(remedy.permissions),
        sorted(remedy.scopes),
    )
