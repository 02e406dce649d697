"""What a route requires: YAML -> `access.Requirement`.

(nothing)                a valid token
public | internal        words for the whole route
product:read             one permission
{role: admin}            one role
{all: [..]} {any: [..]}  every, or at least one, of these; nested at most 8 deep
"""

from __future__ import annotations

from sumun.access import ALWAYS, Access, AllOf, AnyOf, HasPermission, HasRole, Requirement
from sumun.config.checking import plain
from sumun.config.closest import closest
from sumun.config.document import MappingNode, Node, ScalarNode, SequenceNode
from sumun.config.findings import Findings
from sumun.config.problems import did_you_mean
from sumun.config.refused import RefusedError
from sumun.config.rights import parse_right
from sumun.config.values import text_of
from sumun.config.vocabulary import Vocabulary

MAX_DEPTH = 8  # nobody follows more; people write two
MAX_PARTS = 64

_WORDS = {"public": Access.PUBLIC, "internal": Access.INTERNAL}
_FORMS = "a permission such as product:read, {role: NAME}, {all: [..]} or {any: [..]}"
_ALL_FORMS = f"public, internal, {_FORMS}"


class RequirementReader:
    """Reads requirements of one file; what is wrong goes to the findings."""

    def __init__(self, findings: Findings, vocabulary: Vocabulary) -> None:
        """Keep where problems go, and what exists."""
        self._findings = findings
        self._vocabulary = vocabulary

    def read(self, node: Node | None) -> tuple[Access, Requirement] | None:
        """What the whole route asks; `node` None when nothing is written. None when it cannot be told."""
        if node is None:
            return Access.PROTECTED, ALWAYS
        if isinstance(node, ScalarNode) and node.text in _WORDS:
            return _WORDS[node.text], ALWAYS
        requirement = self._tree(node, 1, _ALL_FORMS)
        return None if requirement is None else (Access.PROTECTED, requirement)

    def read_shadow(self, node: Node) -> Requirement | None:
        """What a shadow rule asks. None when it cannot be told."""
        if isinstance(node, ScalarNode) and node.text in _WORDS:
            what = "looks at no token, so there is nothing to report of callers"
            self._findings.problem(node, what, _FORMS, "write what a token would have to prove")
            return None
        return self._tree(node, 1)

    def _tree(self, node: Node, depth: int, forms: str = _FORMS) -> Requirement | None:
        if depth > MAX_DEPTH:
            self._findings.problem(
                node, f"a requirement is nested deeper than {MAX_DEPTH} levels", "", "write it flatter"
            )
            return None
        match node:
            case ScalarNode():
                return self._permission(node, forms)
            case SequenceNode():
                mend = "write {all: [..]} when every one is needed, {any: [..]} when one is enough"
                self._findings.problem(node, "a list does not say whether all or any is needed", forms, mend)
                return None
            case MappingNode():
                return self._branch(node, depth)

    def _permission(self, node: ScalarNode, forms: str) -> Requirement | None:
        try:
            text = text_of(plain(node), forms)
            if ":" not in text:
                raise RefusedError(*self._not_a_permission(text, forms))
            permission = parse_right(text, patterns=False, roles=False)
        except RefusedError as error:
            self._findings.refused(node, error)
            return None
        self._vocabulary.check_required(node, permission)
        return HasPermission(permission)

    def _not_a_permission(self, text: str, forms: str) -> tuple[str, str, str]:
        if text in _WORDS:
            return "is for a whole route and cannot be a part", forms, ""
        words = _WORDS if forms == _ALL_FORMS else ()
        near = did_you_mean(closest(text, words))
        return (
            "is not a requirement",
            forms,
            near or (f"for a role write {{role: {text}}}" if text.isalnum() else ""),
        )

    def _branch(self, node: MappingNode, depth: int) -> Requirement | None:
        if len(node.entries) != 1:
            self._findings.problem(node, "a requirement has one of role, all and any", _FORMS)
            return None
        ((name, entry),) = node.entries.items()
        match name:
            case "role":
                return self._role(entry.value)
            case "all" | "any":
                parts = self._parts(entry.value, depth, name)
                return None if parts is None else AllOf(parts) if name == "all" else AnyOf(parts)
        known = ("role", "all", "any")
        self._findings.problem(
            entry.key, "is not a sort of requirement", ", ".join(known), did_you_mean(closest(name, known))
        )
        return None

    def _role(self, node: Node) -> Requirement | None:
        if not isinstance(node, ScalarNode):
            self._findings.problem(
                node, "a role is one word", "{role: NAME}", "for several write {any: [{role: ONE}, ..]}"
            )
            return None
        try:
            role = text_of(plain(node), "the name of a role")
        except RefusedError as error:
            self._findings.refused(node, error)
            return None
        self._vocabulary.check_role(node, role)
        return HasRole(role)

    def _parts(self, node: Node, depth: int, name: str) -> tuple[Requirement, ...] | None:
        if not isinstance(node, SequenceNode):
            self._findings.problem(
                node,
                f"{name} needs a list" if isinstance(node, MappingNode) else "is not a list",
                "a list of requirements",
            )
            return None
        if not 1 <= len(node.items) <= MAX_PARTS:
            never = (
                "an empty list says nothing"
                if not node.items
                else f"the list has more than {MAX_PARTS} parts"
            )
            self._findings.problem(node, never, f"1 to {MAX_PARTS} requirements")
            return None
        parts = [self._tree(item, depth + 1) for item in node.items]
        good = tuple(part for part in parts if part is not None)
        return good if len(good) == len(parts) else None
