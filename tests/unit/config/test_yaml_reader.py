"""Every key and value keeps its place; what is not our YAML is a problem with a place."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.config import ConfigProblemsError
from sumun.config.document import Document, MappingNode, ScalarNode, SequenceNode
from sumun.config.plan import Place
from sumun.config.yaml_reader import MAX_BYTES, MAX_DEPTH, MAX_NODES, parse, read


def document(text: str | bytes) -> Document:
    """The document of a text."""
    data = text.encode() if isinstance(text, str) else text
    return parse(data, "f.yaml", PurePosixPath("/etc"))


def problem(text: str | bytes) -> tuple[int, int, str]:
    """Line, column and sentence of the one problem."""
    with pytest.raises(ConfigProblemsError) as caught:
        document(text)
    (one,) = caught.value.problems
    return one.place.line, one.place.column, one.sentence


def test_places_of_keys_and_values() -> None:
    """Line and column count from 1, in both styles, with letters of every width before."""
    root = document("a: 1\n'수문':\n  - x\n  - {b: 'y', c: [z]}\n").root
    second = root.entries["수문"]
    assert (root.entries["a"].key.place, root.entries["a"].value.place) == (
        Place("f.yaml", 1, 1),
        Place("f.yaml", 1, 4),
    )
    assert isinstance(second.value, SequenceNode)
    x, inner = second.value.items
    assert (second.key.place.line, second.value.place.line, x.place.column) == (2, 3, 5)
    assert isinstance(inner, MappingNode)
    assert inner.entries["b"].value.place == Place("f.yaml", 4, 9)
    assert inner.place_of("c") == Place("f.yaml", 4, 17)
    assert inner.place_of("d") == inner.place == Place("f.yaml", 4, 5)


def test_bare_and_quoted() -> None:
    """A word in quotes is known from one without."""
    entries = document("a: no\nb: 'no'\nc: \"no\"\nd: |\n  no\n").root.entries
    assert [isinstance(e.value, ScalarNode) and e.value.bare for e in entries.values()] == [
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"])
def test_every_line_break_of_yaml_counts(line_break: str) -> None:
    """Whatever breaks lines for the YAML reader breaks them in excerpts too, so both mean the same line."""
    made = document(f"a: 1{line_break}b: 2{line_break}c: 3")
    place = made.root.entries["c"].key.place
    excerpt = made.excerpt(place, 1)
    assert place.line == 3
    assert excerpt is not None
    assert excerpt.text == "c: 3"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"x" * (MAX_BYTES + 1), "is larger than 4 MiB"),
        (b"\xff\xfea\x00", "is not UTF-8 but UTF-16, UTF-32 or no text"),
        (b"a\x00b\x00", "is not UTF-8 but UTF-16, UTF-32 or no text"),
        (b"", "is empty"),
        (b"\n# x\n", "is empty"),
        (b"null", "is empty"),
    ],
)
def test_files_that_are_no_configuration(data: bytes, sentence: str) -> None:
    """The whole file is the place of such a problem."""
    assert problem(data) == (0, 0, sentence)


def test_the_place_of_bytes_and_characters_that_cannot_stand() -> None:
    """A broken byte and a control character are found at their line and column."""
    assert problem("a: 수문\nb: é".encode() + b"\xff") == (2, 5, "byte 0xff is not UTF-8")
    assert problem("a: b\nc: 수\x1b")[:2] == (2, 5)
    assert problem("a: b\nc: d\ufeff")[:2] == (2, 5)


def test_limits() -> None:
    """Depth and number of nodes have an end just behind what is allowed."""
    deep = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    assert document(f"a: {deep}").root.entries
    assert "nested deeper" in problem(f"a: [{deep}]")[2]
    items = MAX_NODES // 2
    half = ", ".join("x" * items)
    assert document(f"a: &a [{half}]\nb: c\n").root.size == items + 5
    assert "makes more than" in problem(f"a: &a [{half}]\nb: *a\nc: *a\n")[2]


def test_an_alias_bomb_costs_nothing() -> None:
    """Nine lines that mean a billion values stop at the limit, and nothing is copied on the way."""
    lines = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 100)}]" for i in range(1, 9)]
    assert "makes more than" in problem("\n".join(lines))[2]


def test_a_million_brackets_cost_nothing() -> None:
    """Depth is refused while reading, before anything recursive could happen."""
    assert "nested deeper" in problem("a: " + "[" * 1_000_000)[2]
    assert "nested deeper" in problem("a: " + "{x: " * 100_000)[2]
    assert "nested deeper" in problem("- " * 100_000)[2]


def test_all_problems_of_a_file_that_can_be_read_on() -> None:
    """A key twice, a tag and a merge key do not stop the reader."""
    found = document("a: 1\na: 2\nb: !x y\nc: {<<: {}}\n").problems
    assert [(one.place.line, one.place.column) for one in found] == [(2, 1), (3, 4), (4, 5)]


def test_too_many_problems() -> None:
    """A file with a thousand doubles is told so once."""
    with pytest.raises(ConfigProblemsError) as caught:
        document("a: 1\n" * 2000)
    assert len(caught.value.problems) == 1001


def test_read_keeps_the_name_and_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name the file as it was given; relative paths start from its real folder."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "s.yaml").write_text("a: b")
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    made = read(Path("link/s.yaml"))
    assert (made.file, made.folder) == ("link/s.yaml", (tmp_path / "real").resolve())


@pytest.mark.parametrize("name", ["nothing.yaml", ".", "a\0b", "x" * 300])
def test_files_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    """A file that is not there, a folder and an impossible name are problems like others."""
    with pytest.raises(ConfigProblemsError, match="cannot be read"):
        read(tmp_path / name)


@given(st.text(max_size=20), st.text("ab: \n-[]{},'\"|>#&*!%@`", max_size=60))
def test_every_node_lies_where_it_says(prefix: str, text: str) -> None:
    """The character at a bare scalar's place is its first one."""
    comment = "# " + "".join(c for c in prefix if c.isprintable())
    try:
        made = document(f"{comment}\n{text}")
    except ConfigProblemsError:
        return
    lines = [comment, *text.split("\n")]
    waiting: list[object] = [made.root]
    while waiting:
        node = waiting.pop()
        match node:
            case ScalarNode(word, True, place) if word:
                assert lines[place.line - 1][place.column - 1] == word[0]
            case SequenceNode(items):
                waiting.extend(items)
            case MappingNode(entries):
                waiting.extend(entry.key for entry in entries.values())
                waiting.extend(entry.value for entry in entries.values())
