"""Checking: nodes against a settings class, every problem at its place.

    nodes -> plain values -> pydantic -> settings, or problems joined to the nodes by pydantic's `loc`

An item that is wrong (a route, a client, one setting with a default) is reported and cut out, and the rest is checked
again, so that what compares items with each other (`config.compile`) still runs and finds its problems too. It takes
the names of items from the document, not from here, lest a name that was cut be called undefined.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from sumun.config.closest import closest
from sumun.config.document import Entry, MappingNode, Node, ScalarNode, SequenceNode
from sumun.config.findings import Findings
from sumun.config.problems import did_you_mean, quoted
from sumun.config.scalars import Ambiguous, Empty, bare
from sumun.config.values import Reading, by_setting

M = TypeVar("M", bound=BaseModel)
Loc = tuple[int | str, ...]

# Sections whose items are cut out whole when something in them is wrong.
_ITEM_SECTIONS = frozenset(
    {"services", "roles", "permissions", "routes", "authenticators", "clients", "tests"}
)


@dataclass(frozen=True, slots=True)
class Checked(Generic[M]):
    """Settings that passed, and the node they were made from: what was wrong is in neither."""

    settings: M
    node: MappingNode


def check(
    node: MappingNode, model: type[M], findings: Findings, reading: Reading, *, within: str = ""
) -> Checked[M] | None:
    """The settings in a mapping. What is wrong goes to `findings`; None when nothing usable is left.

    `within` says in messages what the mapping is: `authenticators.staff`.
    """
    whole = node
    for turn in range(3):
        try:
            return Checked(model.model_validate(plain(node), context=reading), node)
        except ValidationError as error:
            errors = error.errors(include_url=False, include_input=False)
        if turn == 0:
            for one in errors:
                _report(whole, one, model, findings, within)
        node = _without(node, {_item(one["loc"]) for one in errors})
    return None


def plain(node: Node) -> Any:
    """A node as a plain value: str, bool, int, float, list, dict, Ambiguous or Empty."""
    match node:
        case ScalarNode(text, is_bare):
            return bare(text) if is_bare else text
        case SequenceNode(items):
            return [plain(item) for item in items]
        case MappingNode(entries):
            return {key: plain(entry.value) for key, entry in entries.items()}


def _item(loc: Loc) -> Loc:
    """What is cut out for a problem at this place."""
    if len(loc) > 1 and loc[0] in _ITEM_SECTIONS:
        return loc[:2]
    # A list is one value: nobody knows what was meant by the rest of it.
    index = next((i for i, part in enumerate(loc) if isinstance(part, int)), len(loc))
    return loc[: max(1, index)]


def _without(node: MappingNode, cut: Iterable[Loc]) -> MappingNode:
    """The mapping without the items at these places; a place that is not there costs what should have held it."""
    result: Node = node
    for loc in sorted(
        cut, key=lambda loc: tuple((isinstance(part, str), part) for part in loc), reverse=True
    ):
        result = _cut(result, loc)
    assert isinstance(result, MappingNode)  # noqa: S101  a root is never cut
    return result


def _cut(node: Node, loc: Sequence[int | str]) -> Node:
    head, rest = loc[0], loc[1:]
    if isinstance(node, SequenceNode) and isinstance(head, int) and head < len(node.items):
        return replace(node, items=node.items[:head] + node.items[head + 1 :])
    if isinstance(node, MappingNode) and isinstance(head, str) and head in node.entries:
        entries = dict(node.entries)
        entry = entries.pop(head)
        if rest:
            inside = _cut(entry.value, rest)
            if inside is not entry.value:
                entries = {k: Entry(entry.key, inside) if k == head else e for k, e in node.entries.items()}
        return replace(node, entries=entries)
    return node


def _report(root: MappingNode, error: Any, model: type[BaseModel], findings: Findings, within: str) -> None:
    """One error of pydantic, in our words, at its place."""
    loc: Loc = error["loc"]
    kind: str = error["type"]
    if kind == "extra_forbidden":
        _report_unknown(root, loc, model, findings, within)
        return
    if kind == "missing":
        parent = _find(root, loc[:-1])
        example = _example(model, loc)
        findings.problem_at(
            parent.place, str(loc[-1]), "is missing", "", example and f"write {loc[-1]}: {example}"
        )
        return
    key = loc[-1] == "[key]"
    node = _key(root, loc[:-1]) if key else _find(root, loc)
    context = error.get("ctx", {})
    if kind == "refused":
        findings.problem(node, context["what"], context["allowed"], context["mend"])
        return
    what, allowed, mend = _in_our_words(kind, error["msg"], node, hidden=findings.hides(node))
    if kind in ("model_type", "model_attributes_type"):
        allowed += f": {', '.join(sorted(known_settings(model, loc)))}"
    findings.problem(node, what, allowed, mend)


def _in_our_words(kind: str, message: str, node: Node, *, hidden: bool) -> tuple[str, str, str]:
    """What is wrong, what is allowed, how to mend: for the types that pydantic checks itself."""
    value = plain(node)
    wanted = {
        "model_type": "settings by name, such as {name: value}",
        "model_attributes_type": "settings by name, such as {name: value}",
        "dict_type": "names with values, such as {name: value}",
        "list_type": "a list, such as [one, two]",
        "tuple_type": "a list, such as [one, two]",
        "string_type": "text",
        "int_type": "a whole number",
        "float_type": "a number",
        "bool_type": "true or false",
    }.get(kind)
    if isinstance(value, Empty):
        return "there is no value", wanted or "", "write one, or remove the name"
    if isinstance(value, Ambiguous):
        return f"without quotes is {value.kind} in YAML 1.1", wanted or "", _mend_ambiguous(value, kind)
    if wanted is not None:
        if isinstance(node, ScalarNode) and kind == "list_type":
            return "is not a list", wanted, f"write [{node.text}]" if len(node.text) < 40 else ""
        what = {SequenceNode: "a list cannot stand here", MappingNode: "a mapping cannot stand here"}
        return what.get(type(node), "cannot stand here"), wanted, ""
    # From a plug-in's own settings class, whose sentence may quote the value.
    return (
        f"is not accepted ({kind})" if hidden or kind == "value_error" else f"is not accepted: {message}",
        "",
        "",
    )


def _mend_ambiguous(value: Ambiguous, kind: str) -> str:
    if kind == "bool_type" and value.truth is not None:
        return f"write {value.truth}"
    if kind in ("int_type", "float_type"):
        return "write plain decimal digits"
    return f'write "{value.text}" in quotes for text'


def _report_unknown(
    root: MappingNode, loc: Loc, model: type[BaseModel], findings: Findings, within: str
) -> None:
    known = sorted(known_settings(model, loc[:-1]))
    near = closest(str(loc[-1]), known)
    where = ".".join([within] * bool(within) + [part for part in loc[:-1] if isinstance(part, str)])
    what = f"is not a setting of {quoted(where)}" if where else "is not a setting"
    findings.problem(_key(root, loc), what, ", ".join(known), did_you_mean(near))


def known_settings(model: type[BaseModel], loc: Loc) -> Iterable[str]:
    """The names of the settings of the class at a place below `model`."""
    inner = _class_at(model, loc)
    return () if inner is None else by_setting(inner)


def _example(model: type[BaseModel], loc: Loc) -> str:
    inner = _class_at(model, loc[:-1])
    field = None if inner is None else by_setting(inner).get(str(loc[-1]))
    return "" if field is None or not field.examples else str(field.examples[0])


def _class_at(model: type[BaseModel], loc: Loc) -> type[BaseModel] | None:
    annotation: Any = model
    for part in loc:
        annotation = _inside(_without_none(annotation), part)
    annotation = _without_none(annotation)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _without_none(annotation: Any) -> Any:
    """`X` of `X | None`; anything else as it is."""
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    return next(part for part in get_args(annotation) if part is not NoneType)


def _inside(annotation: Any, part: int | str) -> Any:
    """The annotation of what stands under a name or an index; None when there is no class to ask."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = by_setting(annotation).get(str(part))
        return None if field is None else field.annotation
    arguments = get_args(annotation)
    return arguments[-1] if get_origin(annotation) in (dict, list) else None


def _find(root: Node, loc: Loc) -> Node:
    """The node at a place, or the last one on the way to it."""
    node = root
    for part in loc:
        match node:
            case MappingNode(entries) if isinstance(part, str) and part in entries:
                node = entries[part].value
            case SequenceNode(items) if isinstance(part, int) and part < len(items):
                node = items[part]
            case _:
                return node
    return node


def _key(root: Node, loc: Loc) -> Node:
    """The key at a place, or the node that should have it."""
    parent = _find(root, loc[:-1])
    if isinstance(parent, MappingNode) and loc[-1] in parent.entries:
        return parent.entries[str(loc[-1])].key
    return parent
