"""Commands that write a worker's maps: every row exactly once, none too long for HAProxy, answers judged."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.haproxy import map_commands
from sumun.haproxy.errors import RuntimeSocketError

ALLOWED = "".join(sorted(set(string.printable) - set(string.whitespace) - {";"})) + "é한글"
words = st.text(st.sampled_from(ALLOWED), min_size=1, max_size=400)


def rows_in(command: str, head: str) -> list[tuple[str, str]]:
    """The rows of one `add map` command, as HAProxy reads them."""
    first, *lines = command.removesuffix("\n").split("\n")
    assert first == head
    return [(key, value) for key, value in (line.split(" ") for line in lines)]


@given(st.lists(st.tuples(words, words), max_size=300), st.none() | st.integers(0, 9))
def test_every_row_is_added_once_and_in_order(rows: list[tuple[str, str]], version: int | None) -> None:
    """Whatever the characters, equal keys too; no command is longer than what HAProxy takes, none is empty."""
    commands = list(map_commands.add_rows("facts.a.map", rows, version))
    head = "add map facts.a.map <<" if version is None else f"add map @{version} facts.a.map <<"
    found = [rows_in(command, head) for command in commands]
    assert [row for part in found for row in part] == rows
    assert all(found)
    assert all(len(f"{command}\n".encode()) <= map_commands.MOST_BYTES for command in commands)


def test_commands_are_filled_to_the_limit() -> None:
    """A row that just fits goes along; one byte more begins another command; a row that never fits is refused."""
    head = len("add map m <<\n") + 1
    room = map_commands.MOST_BYTES - head
    key = "k" * 10
    fits = "v" * (room - len(key) - 2)
    assert len(list(map_commands.add_rows("m", [(key, fits)]))) == 1
    half = (key, "v" * (room // 2 - len(key) - 2))
    assert len(list(map_commands.add_rows("m", [half, half]))) == 1
    assert len(list(map_commands.add_rows("m", [half, (key, half[1] + "v" * (room % 2 + 1))]))) == 2
    with pytest.raises(ValueError, match="does not fit"):
        list(map_commands.add_rows("m", [(key, fits + "v")]))


@pytest.mark.parametrize("text", ["", "a b", "a\nb", "a\rb", "a\tb", "a;b", "a\0b", "\x7f", "a\x1fb"])
def test_what_cannot_stand_in_a_row_is_refused(text: str) -> None:
    """It would end the row, the payload or the command."""
    for write in (
        lambda: list(map_commands.add_rows("m", [(text, "v")])),
        lambda: map_commands.set_row("m", text, "v"),
        lambda: map_commands.set_row("m", "k", text),
        lambda: map_commands.get_row("m", text),
    ):
        with pytest.raises(ValueError, match="cannot stand"):
            write()


@pytest.mark.parametrize(
    "text", ["", " ", " a", "a ", "a\nb", "a\n\nb", "a\rb", "a\tb", "a\0b", "\x7f", "a\x1fb"]
)
def test_what_cannot_be_added_as_a_value_is_refused(text: str) -> None:
    """It would end the row or the payload, or be found as something else."""
    with pytest.raises(ValueError, match="cannot stand"):
        list(map_commands.add_rows("m", [("k", text)]))


def test_answers_are_judged() -> None:
    """Only silence is success; a value is found, is not there, or HAProxy said something else."""
    map_commands.refuse_complaints("\n")
    with pytest.raises(RuntimeSocketError, match="unknown map"):
        map_commands.refuse_complaints("unknown map identifier.\n")
    found = 'type=str, case=sensitive, found=yes, idx=tree, key="k", value="17", type="sint"\n\n'
    assert map_commands.value_in(found) == "17"
    assert map_commands.value_in(found.replace("17", 'a"b')) == 'a"b'
    assert map_commands.value_in(found.replace("17", "")) == ""
    assert map_commands.value_in("type=str, case=sensitive, found=no\n\n") is None
    with pytest.raises(RuntimeSocketError, match="did not look"):
        map_commands.value_in("unknown map identifier.\n")
    assert map_commands.prepared_version("New version created: 3\n\n") == 3
    with pytest.raises(RuntimeSocketError, match="did not prepare"):
        map_commands.prepared_version("unknown map identifier.\n")


def test_a_backslash_is_guarded_in_a_command_and_not_in_a_row() -> None:
    """HAProxy takes it away from a word of the command line (management guide 9.3), and leaves it in a payload."""
    assert map_commands.set_row("m", "a\\b", "c\\d") == "set map m a\\\\b c\\\\d"
    assert map_commands.get_row("m", "a\\b") == "get map m a\\\\b"
    assert list(map_commands.add_rows("m", [("a\\b", "c")])) == ["add map m <<\na\\b c\n"]
