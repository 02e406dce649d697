"""The path of a route: how it is written, what it matches, which of two comes first.

    exact     /products            this path and no other
    template  /products/{id}       {name} is one whole segment, never empty
    prefix    /files/**            /files and everything below it

A path is written the one way in which HAProxy lets requests pass, so nothing can be spelled around it: no empty, `.` or
`..` segment, no `%` escape, no `;` parameter, no slash at the end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from sumun.config.plan import OWN_PATHS
from sumun.config.refused import RefusedError

# Long enough for any API; a request target may be longer than a route.
MAX_PATH = 1024
MAX_SEGMENTS = 32

PATHS = "/exact, /with/{name} for one segment, or /prefix/** for all below"

# RFC 3986 pchar without what the gate refuses (`%`, `;`) or what has a meaning here (`*`) or in a quoted rule (`'`).
_LITERAL = re.compile(r"[A-Za-z0-9._~!$&()+,=:@-]+")
_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]{0,63})\}")
_KNOWN_MISTAKES = (
    (re.compile(r"[?#].*"), "has a query or a fragment; routes look at the path only"),
    (re.compile(r"//"), "has an empty segment (//), which the gate refuses"),
    (re.compile(r"(?:/\.{1,2})(?=/|$)"), "has a . or .. segment, which the gate refuses"),
    (re.compile(r"%"), "has a % escape; a route is written without escapes"),
    (re.compile(r";"), "has a ; parameter, which the gate refuses"),
    (re.compile(r"\\"), "has a backslash, which the gate refuses"),
)


class PathKind(Enum):
    """The three ways to write a path."""

    EXACT = "exact"
    TEMPLATE = "template"
    PREFIX = "prefix"


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A route's path, read. A segment is its text, or None for `{name}`; a prefix holds the segments before `**`."""

    kind: PathKind
    segments: tuple[str | None, ...]

    @property
    def shape(self) -> str:
        """The pattern without the names of its parameters: two with one shape match the same paths."""
        text = "/" + "/".join("{}" if segment is None else segment for segment in self.segments)
        return f"{text.rstrip('/')}/**" if self.kind is PathKind.PREFIX else text

    @property
    def rank(self) -> tuple[int, ...]:
        """The lower wins, among patterns that match one path: read from the left, text before `{name}` before `**`.

        So an exact path wins over all, and of two prefixes the longer one.
        """
        rank = tuple(int(segment is None) for segment in self.segments)
        return (*rank, 2) if self.kind is PathKind.PREFIX else rank

    def matches(self, path: str) -> bool:
        """Whether a canonical request path is one of this pattern's."""
        parts = path[1:].split("/") if path != "/" else []
        if self.kind is PathKind.PREFIX:
            return tuple(parts[: len(self.segments)]) == self.segments
        return len(parts) == len(self.segments) and all(
            part != "" if segment is None else part == segment
            for part, segment in zip(parts, self.segments, strict=True)
        )

    @property
    def own_path(self) -> str | None:
        """Which of our own paths this pattern lies in as a whole, or None. Such a route would never be reached."""
        first = None if not self.segments else self.segments[0]
        return next((own for own in OWN_PATHS if own == f"/{first}"), None)


def parse_path(text: str) -> PathPattern:
    """Read a route's path. Raises RefusedError."""
    if not text.startswith("/"):
        raise RefusedError("does not begin with /", PATHS, f"write /{text}" if _LITERAL.match(text) else "")
    if len(text) > MAX_PATH:
        raise RefusedError(f"is longer than {MAX_PATH} characters", PATHS)
    for mistake, what in _KNOWN_MISTAKES:
        if mistake.search(text):
            raise RefusedError(what, PATHS)
    if text == "/":
        return PathPattern(PathKind.EXACT, ())
    if text.endswith("/"):
        bare = text.rstrip("/")
        raise RefusedError(
            "ends with /", PATHS, f"write {bare}, or {bare}/** if the service wants the slash at the end"
        )
    parts = text[1:].split("/")
    prefix = parts[-1] == "**"
    segments = _segments(parts[:-1] if prefix else parts)
    if prefix and None in segments:
        raise RefusedError(
            "has both {..} and /**", PATHS, "write one of the two, or one template for each depth"
        )
    if prefix:
        return PathPattern(PathKind.PREFIX, segments)
    return PathPattern(PathKind.TEMPLATE if None in segments else PathKind.EXACT, segments)


def _segments(parts: list[str]) -> tuple[str | None, ...]:
    if len(parts) > MAX_SEGMENTS:
        raise RefusedError(f"has more than {MAX_SEGMENTS} segments", PATHS)
    segments: list[str | None] = []
    names: list[str] = []
    for part in parts:
        parameter = _PARAMETER.fullmatch(part)
        if parameter is not None:
            if parameter[1] in names:
                raise RefusedError(f"has the parameter {part} twice", PATHS, "give each its own name")
            names.append(parameter[1])
            segments.append(None)
        elif part == "**":
            raise RefusedError(
                "has ** before its end", PATHS, "write ** as the last segment, {name} elsewhere"
            )
        elif "*" in part or "{" in part or "}" in part:
            raise RefusedError("has a * or { } that is not a whole segment", PATHS)
        elif _LITERAL.fullmatch(part) is None:
            raise RefusedError("has characters that no route's path can have", PATHS)
        else:
            segments.append(part)
    return tuple(segments)
