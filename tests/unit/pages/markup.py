"""Reads a page strictly: a tree of elements, or an AssertionError that says what is not well-formed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "img", "input", "br"})


@dataclass(slots=True)
class Element:
    """One element; `inside` are its texts and elements in order."""

    tag: str
    attributes: dict[str, str | None]
    inside: list[Element | str] = field(default_factory=list)

    def every(self, *tags: str) -> Iterator[Element]:
        """This one and those below it, of these tags (of any without tags), in the order of the page."""
        if not tags or self.tag in tags:
            yield self
        for one in self.inside:
            if isinstance(one, Element):
                yield from one.every(*tags)

    def text(self) -> str:
        """What it says, spaces folded."""
        said = (one if isinstance(one, str) else one.text() for one in self.inside)
        return " ".join(" ".join(said).split())

    def get(self, name: str) -> str:
        """An attribute's value, empty when it is not there."""
        return self.attributes.get(name) or ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_decl(self, decl: str) -> None:
        assert decl == "doctype html"
        assert not self.root.inside

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice"
        element = Element(tag, dict(attrs))
        self.open[-1].inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if len(self.open) > 1:
            self.open[-1].inside.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment is sent to people")


def read_page(page: str) -> Element:
    """The element `html`."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert len(reader.open) == 1, f"<{reader.open[-1].tag}> is not closed"
    (html,) = [one for one in reader.root.inside if isinstance(one, Element)]
    return html
