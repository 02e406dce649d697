"""Lists of actions: what we answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.spop import Action, Scope, SetVar, UnsetVar, Value, encode_actions, encode_variables
from sumun.spop.actions import MAX_VARIABLE_NAME, decode_actions
from sumun.spop.errors import InvalidFrameError, UnencodableError
from tests.unit.spop.values import actions, scopes, values, variable_names

TXN = Scope.TRANSACTION


@given(st.lists(actions, max_size=6).map(tuple), st.binary(max_size=3), st.binary(max_size=9))
def test_round_trip(sent: tuple[Action, ...], before: bytes, behind: bytes) -> None:
    """Every list of actions comes back."""
    payload = encode_actions(sent)
    data = before + payload + behind
    assert decode_actions(data, len(before), len(before) + len(payload)) == sent


@given(st.dictionaries(variable_names, values, max_size=6), scopes)
def test_variables(variables: dict[str, Value], scope: Scope) -> None:
    """A mapping of variables is encoded like the SetVar of each."""
    assert encode_variables(variables, scope) == encode_actions(
        SetVar(scope, name, value) for name, value in variables.items()
    )


def test_known_bytes() -> None:
    """The bytes are those of SPOE.txt 3.4."""
    assert encode_actions([SetVar(TXN, "allow", True), UnsetVar(Scope.SESSION, "x")]).hex() == (
        "010302" + "05" + b"allow".hex() + "11" + "020201" + "01" + b"x".hex()
    )
    assert encode_variables({"status": 401}) == b"\x01\x03\x02\x06status\x04\xf1\x0a"


@given(st.lists(actions, min_size=1, max_size=4).map(tuple), st.data())
def test_cut_short(sent: tuple[Action, ...], data: st.DataObject) -> None:
    """A list cut inside an action is refused."""
    payload = encode_actions(sent)
    whole = {len(encode_actions(sent[:count])) for count in range(len(sent) + 1)}
    end = data.draw(st.integers(0, len(payload) - 1).filter(lambda end: end not in whole))
    with pytest.raises(InvalidFrameError):
        decode_actions(payload, 0, end)


@given(st.binary(max_size=40))
def test_any_bytes(data: bytes) -> None:
    """Any bytes are actions or a refusal, never another error."""
    try:
        decode_actions(data, 0, len(data))
    except InvalidFrameError:
        return


@pytest.mark.parametrize(
    "data", [b"\x03\x03\x02\x01a\x00", b"\x01\x02\x02\x01a\x00", b"\x01\x03\x05\x01a\x00"]
)
def test_actions_that_do_not_exist(data: bytes) -> None:
    """An unknown type, a wrong number of arguments and an unknown scope are refused."""
    with pytest.raises(InvalidFrameError, match="no such action"):
        decode_actions(data, 0, len(data))


@pytest.mark.parametrize("name", ["", "a" * (MAX_VARIABLE_NAME + 1), "a b", "a\n", "한", "a-b", "a\x00"])
def test_names_haproxy_would_not_take(name: str) -> None:
    """A variable HAProxy would drop without a word, or overrun a buffer for, is refused here."""
    for action in (SetVar(TXN, name, 1), UnsetVar(TXN, name)):
        with pytest.raises(UnencodableError):
            encode_actions([action])
    with pytest.raises(UnencodableError):
        encode_variables({name: 1})


def test_the_longest_name() -> None:
    """A name of the greatest length goes through."""
    name = "a" * MAX_VARIABLE_NAME
    payload = encode_variables({name: 1})
    assert decode_actions(payload, 0, len(payload)) == (SetVar(TXN, name, 1),)


def test_a_scope_that_does_not_exist() -> None:
    """A number that is no scope is refused, whatever type checkers let through."""
    with pytest.raises(UnencodableError, match="scope"):
        encode_actions([SetVar(5, "a", 1)])  # type: ignore[arg-type]


def test_what_is_no_action() -> None:
    """Something else in the list is refused: half an answer must not be sent."""
    with pytest.raises(UnencodableError, match="tuple"):
        encode_actions([SetVar(TXN, "a", 1), (TXN, "allow", True)])  # type: ignore[list-item]
