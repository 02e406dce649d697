"""Tables for people, JSON for programs."""

from __future__ import annotations

import json
import unicodedata

import pytest

from sumun.cli.table import print_fields, print_json, print_lines, print_table

ROWS = [("앨리스", ["admin", "user"], None), ("bob", [], "x")]


def test_columns_stand_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    """Korean characters are two columns wide; several values are joined; nothing is nothing."""
    print_table(("name", "roles", "note"), ROWS, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "NAME    ROLES       NOTE",
        "앨리스  admin,user",
        "bob                 x",
    ]


def test_json_has_arrays_and_null(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs get arrays where people see commas, and names without blanks."""
    print_table(("display name", "roles", "note"), ROWS, as_json=True)
    assert json.loads(capsys.readouterr().out) == [
        {"display_name": "앨리스", "roles": ["admin", "user"], "note": None},
        {"display_name": "bob", "roles": [], "note": "x"},
    ]


def test_fields_of_one_thing(capsys: pytest.CaptureFixture[str]) -> None:
    """A field a line, or one JSON object."""
    fields = {"token id": "tid_1", "roles": ["a", "b"], "note": None}
    print_fields(fields, as_json=False)
    assert capsys.readouterr().out == "token id: tid_1\nroles:    a, b\nnote:\n"
    print_fields(fields, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"token_id": "tid_1", "roles": ["a", "b"], "note": None}


def test_what_moves_the_cursor_is_shown_as_an_escape(capsys: pytest.CaptureFixture[str]) -> None:
    """A name cannot colour the terminal, hide itself or begin a new line."""
    print_fields({"note": "a\x1b[31m\nb\u202e"}, as_json=False)
    assert capsys.readouterr().out == "note: a\\x1b[31m\\nb\\u202e\n"


def test_a_terminal_is_told_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """What strangers wrote into the log moves no cursor and turns no text, in tables and in JSON, which says the same."""
    words = "\x1b[2J\x9b2J\x7f\u202egnp\u2066\u200b\u2028\n앨리스 é"
    print_lines([words])
    print_fields({"who": words}, as_json=False)
    print_json({"who": words})
    out = capsys.readouterr().out
    assert not [
        c for c in out if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cn", "Cs", "Zl", "Zp")
    ]
    assert json.loads(out[out.index("{") :]) == {"who": words}
    assert out.count("앨리스 é") == 3
