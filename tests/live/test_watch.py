"""`sumun run --watch`: what is written comes to life by itself, however it is written; what is wrong changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.kept_world import echo_service
from tests.live.node_under_test import NodeUnderTest, node_folder, until

_CONFIG = """\
listen: 127.0.0.1:{port}
services:
  shop: {{url: http://127.0.0.1:{service}}}
roles:
  reader: ["item:read"]
routes:
  - {{path: /{path}, methods: [GET], service: shop, require: {require}}}
"""
_TEST = """\
tests:
  - {{name: readers read, call: GET /{path}, as: {{roles: [reader]}}, expect: {expected}}}
"""


@dataclass
class Place:
    """A watched node whose configuration stands behind links, as a ConfigMap is mounted."""

    node: NodeUnderTest
    folder: Path
    service: int
    number: int = 0

    def text(self, path: str, require: str = "public") -> str:
        """A configuration with one route."""
        return _CONFIG.format(port=self.node.port, service=self.service, path=path, require=require)

    def mount(self, **files: str) -> None:
        """These files and no others, in a folder that takes the place of the one before in one step."""
        self.number += 1
        new = self.folder / f"..{self.number}"
        new.mkdir()
        for name, text in files.items():
            (new / name.replace("_", ".")).write_text(text)
        link = self.folder / "..new"
        link.symlink_to(new.name)
        link.rename(self.folder / "..data")

    def serves(self, path: str) -> bool:
        """Whether there is such a route."""
        return self.node.call("GET", f"/{path}").status != 404

    def records(self, since: int = 0) -> list[str]:
        """The sentences of the supervisor's warnings and errors in the log."""
        lines = [
            json.loads(line)
            for line in self.node.log()[since:].rpartition("\n")[0].splitlines()
            if line.startswith("{")
        ]
        mine = (line for line in lines if line["part"] == "supervisor")
        return [line["msg"] for line in mine if line["level"] in ("warning", "error")]


@pytest.fixture(scope="module")
def place(haproxy: object) -> Iterator[Place]:
    """One watched node."""
    with node_folder() as folder, echo_service() as service:
        node = NodeUnderTest(data=folder / "data", options=("--watch",))
        node.config = folder / "sumun.yaml"
        one = Place(node, folder, service)
        one.mount(sumun_yaml=one.text("first"))
        node.config.symlink_to("..data/sumun.yaml")
        with node.running():
            yield one


def test_a_link_that_is_swapped(place: Place) -> None:
    """A ConfigMap's new version is in force soon, and the one before is not."""
    assert place.serves("first")
    place.mount(sumun_yaml=place.text("second"))
    until(lambda: place.serves("second"))
    assert not place.serves("first")


def test_a_file_that_an_editor_writes(place: Place) -> None:
    """Written in place bit by bit, renamed over, taken away and written again: each time what stands there in the end."""
    before = len(place.node.log())
    file = place.node.config.resolve()
    text = place.text("third")
    for end in (len(text) // 2, len(text)):
        file.write_text(text[:end])
    until(lambda: place.serves("third"))
    beside = file.with_name("sumun.yaml~new")
    beside.write_text(place.text("fourth"))
    beside.rename(file)
    until(lambda: place.serves("fourth"))
    file.unlink()
    assert place.serves("fourth")
    file.write_text(place.text("fifth"))
    until(lambda: place.serves("fifth"))
    assert place.records(before) == []


def test_a_file_that_is_wrong(place: Place) -> None:
    """It changes nothing; the log says once what is wrong and where, one record for each; the next version is taken."""
    before = len(place.node.log())
    place.mount(sumun_yaml=place.text("good"))
    until(lambda: place.serves("good"))
    bad = place.text("bad").replace("service: shop", "service: nobody").replace("item:read", "item read")
    place.mount(sumun_yaml=bad)
    until(lambda: any("nothing has changed" in one for one in place.records(before)))
    assert place.serves("good")
    assert not place.serves("bad")
    place.mount(sumun_yaml=place.text("mended"))
    until(lambda: place.serves("mended"))
    said = place.records(before)
    assert len(said) == 3, said
    assert said[0].startswith(f'{place.node.config}:5:12: "item read" '), said
    assert said[1].startswith(f"{place.node.config}:7:"), said
    assert '"nobody"' in said[1], said
    assert said[2] == "not reloaded, nothing has changed: 2 problems in the configuration"


def test_policy_tests_beside_it(place: Place) -> None:
    """A test that comes beside it and fails keeps the next version out, and lets it in when it is mended."""
    before = len(place.node.log())
    path = "tested"
    text = place.text(path, "item:write")
    place.mount(sumun_yaml=text, shop_test_yaml=_TEST.format(path=path, expected="allow"))
    until(lambda: any("nothing has changed" in one for one in place.records(before)))
    assert not place.serves(path)
    place.mount(sumun_yaml=text, shop_test_yaml=_TEST.format(path=path, expected="403"))
    until(lambda: place.serves(path), why=place.node.log()[before:])
    assert any("shop.test.yaml:2:" in one for one in place.records(before))
