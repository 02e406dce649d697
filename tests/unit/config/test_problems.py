"""Problems are shown in order, once, with a mark under what is wrong."""

from __future__ import annotations

import pytest

from sumun.config.plan import NOWHERE, Place
from sumun.config.problems import ConfigProblemsError, Excerpt, Problem, describe, describe_problems, quoted

HERE = Place("s.yaml", 2, 3)


def test_the_five_parts() -> None:
    """Place, value, what is wrong, what is allowed, how to mend."""
    problem = Problem(
        HERE,
        "time",
        "is not a setting",
        "timeout, url",
        'did you mean "timeout"?',
        Excerpt("  time: 1s", 2, 4),
    )
    assert describe(problem).split("\n") == [
        's.yaml:2:3: "time" is not a setting',
        "    2 |   time: 1s",
        "      |   ^^^^",
        "      = allowed: timeout, url",
        '      = did you mean "timeout"?',
    ]


def test_only_the_parts_that_are_there() -> None:
    """A problem of the whole file has no line, one of no file has no place."""
    assert describe(Problem(Place("s.yaml"), "", "is empty")) == "s.yaml: is empty"
    assert describe(Problem(NOWHERE, "", "HAProxy says no")) == "HAProxy says no"


def test_wide_letters_take_two_columns() -> None:
    """The mark stands under a Korean word as a terminal shows it."""
    lines = describe(Problem(HERE, "", "x", excerpt=Excerpt("수문: 이름", 4, 2))).split("\n")
    assert lines[1] == "    2 | 수문: 이름"
    assert lines[2] == "      |       ^^^^"


def test_colours_add_nothing_but_colours() -> None:
    """With and without colours the text is the same."""
    problem = Problem(HERE, "v", "what", "allowed", "mend", Excerpt("a: v", 3, 1))
    coloured = describe(problem, color=True)
    for code in ("\x1b[1m", "\x1b[1;31m", "\x1b[34m", "\x1b[32m", "\x1b[0m"):
        assert code in coloured
        coloured = coloured.replace(code, "")
    assert coloured == describe(problem)


def test_no_control_character_reaches_the_terminal() -> None:
    """Escape sequences in a file are not played back, whichever part they are in."""
    evil = "\x1b[2J\r\n\x9b"
    problem = Problem(Place(evil, 1, 1), evil, evil, evil, evil)
    assert not {c for c in describe(problem) if not c.isprintable()} - {"\n"}
    assert describe(problem).count("\n") == 2


def test_a_long_value_is_cut() -> None:
    """The rest of a long value helps nobody."""
    assert quoted("x" * 100) == f'"{"x" * 77}..."'
    assert quoted("x" * 80) == f'"{"x" * 80}"'


def test_sorted_and_told_once() -> None:
    """Problems come in the order of the file, and what two checks found is one problem."""
    late, early = Problem(Place("s", 10, 1), "", "b"), Problem(Place("s", 9, 2), "", "a")
    error = ConfigProblemsError([late, early, late])
    assert error.problems == (early, late)
    assert str(error) == describe_problems(error) == "s:9:2: a\ns:10:1: b\n2 problems"
    assert (error.code, error.exit_code) == ("invalid_config", 2)
    assert str(ConfigProblemsError([early])).endswith("\n1 problem")


def test_no_problems_is_no_error() -> None:
    """Nobody raises an error about nothing."""
    with pytest.raises(ValueError, match="no problems"):
        ConfigProblemsError([])
