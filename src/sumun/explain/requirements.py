"""What a route asks of its callers, in words."""

from __future__ import annotations

from collections.abc import Sequence

from sumun.access import ALWAYS, TOKENS, Access, AllOf, AnyOf, HasPermission, HasRole, Requirement, TokenKind
from sumun.access.shadow import ALLOW, ShadowSays
from sumun.config.plan import Route, Shadow


def requirement_words(route: Route) -> str:
    """What the whole route asks: `the permission product:delete`, `nothing: it is public`."""
    if route.access is Access.PUBLIC:
        return "nothing: it is public"
    if route.access is Access.INTERNAL:
        return "to come by the internal listener, and nothing else"
    return _words(route.requirement, route.kinds)


def shadow_words(shadow: Shadow) -> str:
    """What a shadow rule asks."""
    return _words(shadow.requirement, shadow.kinds)


def shadow_outcome(says: ShadowSays) -> str:
    """`allow`, `refuse (insufficient_scope: product:list)`."""
    if says.outcome == ALLOW:
        return ALLOW
    return f"refuse ({says.outcome}{says.detail and f': {says.detail}'})"


def listed(words: Sequence[str], last: str) -> str:
    """`a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def _words(requirement: Requirement, kinds: frozenset[TokenKind]) -> str:
    ways = []
    if kinds & TOKENS:
        of = "" if kinds >= TOKENS else f" of the kind {listed(sorted(kinds & TOKENS), 'or')}"
        ways.append(f"token{of}")
    if TokenKind.SESSION in kinds:
        ways.append("browser session")
    if requirement == ALWAYS:
        return listed([f"a valid {way}" for way in ways], "or")
    within = "" if kinds == TOKENS else f", in a {listed(ways, 'or a')}"
    return f"{_tree(requirement, 'top')}{within}"


def _tree(requirement: Requirement, inside: str) -> str:
    match requirement:
        case HasPermission(permission):
            return f"the permission {permission}"
        case HasRole(role):
            return f"the role {role}"
        case AllOf(parts):
            return _joined([_tree(part, "and") for part in parts], "and", inside)
        case AnyOf(parts):
            return _joined([_tree(part, "or") for part in parts], "or", inside)


def _joined(parts: Sequence[str], word: str, inside: str) -> str:
    """`(a or b)` in parentheses wherever something stands around it."""
    text = f" {word} ".join(parts) or "nothing"
    return f"({text})" if len(parts) > 1 and inside != "top" else text
