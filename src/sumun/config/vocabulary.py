"""Vocabulary: which roles and permissions exist, and what to say of one that does not.

With a top-level `permissions:` that list is the vocabulary, and what is not in it is an error wherever it stands.
Without one, a permission exists when a role or a client is given it. A route may still require another one, for people
can hold permissions directly, which the file does not know. So a required permission that nobody is given is an error
only when it is one slip away from one that somebody is given, and otherwise a note. And one that is given and no route
requires is for services to look at, unless it is one slip away from one that a route requires: a note.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from sumun.config.closest import closest, distance
from sumun.config.document import Node
from sumun.config.findings import Findings
from sumun.config.problems import did_you_mean
from sumun.identity import Permission
from sumun.identity.permission import ROLE_RESOURCE

_SHORTEST = 4  # letters; of shorter words too many are one slip apart and mean different things
_MOST_SEARCHED = 200  # permissions that nobody is given; after these, only notes
_MOST_LISTED = 20


class Vocabulary:
    """The roles and permissions of one file, and the check of one that is named somewhere."""

    def __init__(
        self,
        findings: Findings,
        declared: Collection[Permission],
        roles: Iterable[str] | None,
    ) -> None:
        """`roles` None: nobody can tell, the section is broken."""
        self._findings = findings
        self._declared = declared
        self._roles = None if roles is None else frozenset(roles)
        self._given: dict[Permission, Node] = {}
        self._required: set[Permission] = set()
        self._nobodys: set[Permission] = set()

    def give(self, node: Node, permission: Permission) -> None:
        """A role or a client is given this permission or pattern."""
        self._given.setdefault(permission, node)
        self.check_declared(node, permission)

    def check_scope(self, node: Node, scope: Permission) -> None:
        """A client's tokens may carry this scope."""
        if scope.resource != ROLE_RESOURCE:
            self.check_declared(node, scope)
        elif scope.action != "*":
            self.check_role(node, scope.action)

    def check_role(self, node: Node, role: str) -> None:
        """This role is named somewhere."""
        if self._roles is None or role in self._roles:
            return
        allowed = _listed(self._roles) or "none: there is no role under `roles:`"
        self._findings.problem(node, "is not a role", allowed, did_you_mean(closest(role, self._roles)))

    def check_required(self, node: Node, permission: Permission) -> None:
        """A route requires this permission. Ask after everything was given."""
        if self._declared:
            self.check_declared(node, permission)
            return
        self._required.add(permission)
        if permission in self._nobodys or any(given.covers(permission) for given in self._given):
            return
        near = None if len(self._nobodys) >= _MOST_SEARCHED else _one_slip_away(permission, self._given)
        if near is not None:
            self._findings.problem(
                node,
                "is a permission that no role or client is given",
                "one that is given, or any that stands under a top-level `permissions:`",
                did_you_mean(near),
            )
            return
        self._nobodys.add(permission)
        self._findings.note(
            node.place,
            f"no role or client is given {permission}; only people who hold it directly may use this route",
        )

    def note_unrequired(self) -> None:
        """What is given by a slip. Ask after every route was read."""
        unrequired = [one for one in self._given if not one.is_pattern and one not in self._required]
        for permission in unrequired[:_MOST_SEARCHED]:
            near = _one_slip_away(permission, self._required)
            if near is not None:
                what = f"no route requires {permission}; {did_you_mean(near)}"
                self._findings.note(self._given[permission].place, what)

    def check_declared(self, node: Node, permission: Permission) -> None:
        """Against the top-level `permissions:`, if there is one."""
        if not self._declared or permission in self._declared:
            return
        if permission.is_pattern:
            if not any(permission.covers(one) for one in self._declared):
                self._findings.problem(
                    node, "covers no permission under `permissions:`", _listed(self._declared)
                )
            return
        near = closest(str(permission), map(str, self._declared), at_most=2)
        self._findings.problem(
            node, "is not under `permissions:`", _listed(self._declared), did_you_mean(near) or "add it there"
        )


def _one_slip_away(wanted: Permission, known: Iterable[Permission]) -> str | None:
    return min(_near(wanted, known), default=None)


def _near(wanted: Permission, known: Iterable[Permission]) -> Iterator[str]:
    for given in known:
        resource = wanted.resource if given.resource == "*" else given.resource
        action = wanted.action if given.action == "*" else given.action
        for mine, other, same in (
            (wanted.resource, resource, wanted.action == action),
            (wanted.action, action, wanted.resource == resource),
        ):
            long_enough = min(len(mine), len(other)) >= _SHORTEST
            if same and long_enough and abs(len(mine) - len(other)) <= 1 and distance(mine, other) == 1:
                yield f"{resource}:{action}"


def _listed(words: Iterable[object]) -> str:
    every = sorted(map(str, words))
    return ", ".join(every[:_MOST_LISTED]) + (", ..." if len(every) > _MOST_LISTED else "")
