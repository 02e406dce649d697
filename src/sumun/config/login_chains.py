"""The authenticators and the chains that name them.

An authenticator is listed under `authenticators:` by a name of its own; a kind that needs no settings is there under
its own name without being listed, so `login: [password]` works alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from sumun.config.checking import Checked, check
from sumun.config.closest import closest
from sumun.config.document import MappingNode, Node, SequenceNode
from sumun.config.findings import Findings
from sumun.config.plan import Authenticator, Place
from sumun.config.problems import did_you_mean
from sumun.config.settings import Settings
from sumun.config.values import Reading
from sumun.plugins import AUTHENTICATOR, Catalogue, UnknownKindError

MAX_CHAIN = 16


class LoginChains:
    """The authenticators of one file, and the check of a chain; what is wrong goes to the findings."""

    def __init__(self, findings: Findings, catalogue: Catalogue, reading: Reading) -> None:
        """Begin with none; `compile` fills in."""
        self._findings = findings
        self._catalogue = catalogue
        self._reading = reading
        self._made: dict[str, Authenticator] = {}
        self._listed: frozenset[str] | None = frozenset()
        self._used: set[str] = set()
        self.default: tuple[str, ...] = ()

    def compile(self, checked: Checked[Settings], listed: frozenset[str] | None) -> None:
        """Read what is listed, then the chain for clients that name none. `listed`: the names, or None if unknown."""
        self._listed = listed
        section = checked.node.mapping("authenticators")
        for name, settings in checked.settings.authenticators.items():
            made = self._authenticator(
                name, settings.kind, section.mapping(name), section.entries[name].key.place
            )
            if made is not None:
                self._made[name] = made
        self.default = self.check(checked.settings.login, checked.node.get("login") or checked.node)

    def all(self) -> dict[str, Authenticator]:
        """Every authenticator: those listed, in the order of the file, then those that chains brought in."""
        return dict(self._made)

    def note_unused(self) -> None:
        """Authenticators that no chain names."""
        for name, authenticator in self._made.items():
            if name not in self._used:
                self._findings.note(authenticator.where, f"no login chain names the authenticator {name}")

    def check(self, chain: list[str], node: Node) -> tuple[str, ...]:
        """The chain, checked. `node` is where it is written, or the whole file when it is the default one."""
        items = node.items if isinstance(node, SequenceNode) else (node,) * len(chain)
        if isinstance(node, SequenceNode) and not 1 <= len(chain) <= MAX_CHAIN:
            self._findings.problem(node, f"a chain has 1 to {MAX_CHAIN} authenticators")
        for i, (item, name) in enumerate(zip(items, chain, strict=False)):
            if name in chain[:i]:
                self._findings.problem(item, "stands twice", "", "keep one")
            elif name not in self._made and self._listed is not None and name not in self._listed:
                self._bring_in(name, item)
        self._used.update(chain)
        return tuple(chain)

    def _bring_in(self, name: str, item: Node) -> None:
        kinds = self._catalogue.names(AUTHENTICATOR)
        if name in kinds:
            if self._needs_no_settings(name):
                model = self._catalogue.find(AUTHENTICATOR, name).settings_class()
                dumped = _dump(model.model_validate({}, context=self._reading))
                self._made[name] = Authenticator(name, name, dumped, item.place)
                return
            what = "needs settings, so it must be listed under `authenticators:`"
            self._report(item, name, what, "", f"write authenticators: {{NAME: {{kind: {name}, ..}}}}")
            return
        known = sorted({*(self._listed or ()), *self._made, *filter(self._needs_no_settings, kinds)})
        near = did_you_mean(closest(name, known))
        self._report(item, name, "is not an authenticator", ", ".join(known), near)

    def _needs_no_settings(self, kind: str) -> bool:
        model = self._catalogue.find(AUTHENTICATOR, kind).settings_class()
        return not any(field.is_required() for field in model.model_fields.values())

    def _report(self, item: Node, name: str, what: str, allowed: str, mend: str) -> None:
        if isinstance(item, MappingNode):  # the default chain: it stands nowhere
            self._findings.problem_at(item.place, name, f"(the default of `login`) {what}", allowed, mend)
        else:
            self._findings.problem(item, what, allowed, mend)

    def _authenticator(self, name: str, kind: str, node: MappingNode, place: Place) -> Authenticator | None:
        try:
            found = self._catalogue.find(AUTHENTICATOR, kind)
        except UnknownKindError:
            names = self._catalogue.names(AUTHENTICATOR)
            near = did_you_mean(closest(kind, names))
            value = node.entries["kind"].value
            self._findings.problem(value, "is not a kind of authenticator", ", ".join(names), near)
            return None
        rest = {key: entry for key, entry in node.entries.items() if key != "kind"}
        model: type[BaseModel] = found.settings_class()
        own = MappingNode(rest, node.place)
        checked = check(own, model, self._findings, self._reading, within=f"authenticators.{name}")
        if checked is None:
            return None
        return Authenticator(name, kind, _dump(checked.settings), place)


def _dump(settings: BaseModel) -> Mapping[str, Any]:
    """As JSON values: what travels between processes."""
    return MappingProxyType(settings.model_dump(mode="json"))
