"""What we answer: LIST-OF-ACTIONS, the payload of ACK (SPOE.txt 3.4).

    SET-VAR    <1: 1 byte> <3: 1 byte> <VAR-SCOPE: 1 byte> <VAR-NAME: STRING> <VAR-VALUE: TYPED-DATA>
    UNSET-VAR  <2: 1 byte> <2: 1 byte> <VAR-SCOPE: 1 byte> <VAR-NAME: STRING>

HAProxy puts its `option var-prefix` before the name. It drops a variable that its configuration never mentions, and
stops at the first action it cannot read, both without a word. So what we send is checked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from sumun.spop.errors import InvalidFrameError, UnencodableError
from sumun.spop.typed_data import (
    SHORT_STRING_HEADS,
    Value,
    decode_length_prefixed,
    decode_value,
    encode_text,
    encode_value,
)
from sumun.spop.varint import ONE_BYTE


class Scope(IntEnum):
    """How long a variable lives in HAProxy."""

    PROCESS = 0
    SESSION = 1
    TRANSACTION = 2
    REQUEST = 3
    RESPONSE = 4


class SetVar(NamedTuple):
    """Set variable `name` to `value`. A named tuple, because several are built for each answer."""

    scope: Scope
    name: str
    value: Value


class UnsetVar(NamedTuple):
    """Forget variable `name`."""

    scope: Scope
    name: str


Action: TypeAlias = SetVar | UnsetVar

MAX_VARIABLE_NAME: Final = 40
"""Bytes. HAProxy 2.6 prints "scope.prefix.name" into 64 bytes and then trusts the uncut length (flt_spoe.c,
spoe_set_var): a longer name makes it read past that buffer. 40 leaves 17 for the prefix."""

_SET_VAR: Final = 1
_UNSET_VAR: Final = 2
_SET_VAR_ARGS: Final = 3
_UNSET_VAR_ARGS: Final = 2

# What HAProxy takes in the name of a variable (vars.c, vars_fill_desc): letters, digits, "_" and ".".
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z0-9_.]+")


def encode_actions(actions: Iterable[Action]) -> bytes:
    """The payload of an ACK. An answer that is given often may be encoded once and the bytes handed to `ack` each time.

    Raises UnencodableError for a name HAProxy would not take, what `encode_value` refuses, or what is no action at all.
    """
    parts: list[bytes] = []
    for action in actions:
        if isinstance(action, SetVar):
            scope, name, value = action
            parts += (_set_var_head(scope, name), encode_value(value))
        elif isinstance(action, UnsetVar):
            parts.append(_unset_var(*action))
        else:
            raise UnencodableError(f"a {type(action).__name__} is no SPOP action: SetVar and UnsetVar are")
    return b"".join(parts)


def encode_variables(variables: Mapping[str, Value], scope: Scope = Scope.TRANSACTION) -> bytes:
    """What `encode_actions` makes of a SetVar for each of `variables`; raises the same.

    This is the hot path of answers: no SetVar is built, and short ASCII texts, which most values are, cost no call.
    """
    parts: list[bytes] = []
    heads = _HEADS[scope]
    for name, value in variables.items():
        head = heads.get(name) or _kept_head(scope, name)
        if type(value) is str and value.isascii() and len(value) < ONE_BYTE:
            parts += (head, SHORT_STRING_HEADS[len(value)], value.encode())
        else:
            parts += (head, encode_value(value))
    return b"".join(parts)


def encode_text_variable(name: str, value: str, scope: Scope = Scope.TRANSACTION) -> bytes:
    """What `encode_variables` makes of this one; raises the same."""
    head = _HEADS[scope].get(name) or _kept_head(scope, name)
    if value.isascii() and len(value) < ONE_BYTE:
        return head + SHORT_STRING_HEADS[len(value)] + value.encode()
    return head + encode_value(value)


_HEADS_KEPT: Final = 256  # names are ours: two dozen
_HEADS: Final[dict[int, dict[str, bytes]]] = {scope: {} for scope in Scope}


def _kept_head(scope: Scope, name: str) -> bytes:
    head = _set_var_head(scope, name)
    heads = _HEADS[scope]
    if len(heads) < _HEADS_KEPT:
        heads[name] = head
    return head


@lru_cache(maxsize=1024)
def _set_var_head(scope: Scope, name: str) -> bytes:
    return bytes((_SET_VAR, _SET_VAR_ARGS, _checked_scope(scope))) + _encode_variable_name(name)


@lru_cache(maxsize=1024)
def _unset_var(scope: Scope, name: str) -> bytes:
    return bytes((_UNSET_VAR, _UNSET_VAR_ARGS, _checked_scope(scope))) + _encode_variable_name(name)


def _checked_scope(scope: int) -> Scope:
    try:
        return Scope(scope)
    except ValueError:
        raise UnencodableError(f"there is no variable scope {scope!r}; 0 to 4 exist") from None


def _encode_variable_name(name: str) -> bytes:
    if len(name) > MAX_VARIABLE_NAME or not _VARIABLE_NAME.fullmatch(name):
        raise UnencodableError(
            f"variable name {name!r} is not 1 to {MAX_VARIABLE_NAME} letters, digits, underscores and dots"
        )
    return encode_text(name)


def decode_actions(data: bytes, position: int, end: int) -> tuple[Action, ...]:
    """The actions in `data[position:end]`: HAProxy's half, for tools and tests.

    Raises InvalidFrameError where HAProxy would silently stop reading.
    """
    actions: list[Action] = []
    while position < end:
        if position + 3 > end:
            raise InvalidFrameError(f"the action at byte {position} is cut short")
        kind, count, scope = data[position : position + 3]
        if count != _ARGS.get(kind) or scope not in _SCOPES:
            raise InvalidFrameError(f"no such action: type {kind}, {count} arguments, scope {scope}")
        raw, position = decode_length_prefixed(data, position + 3, end)
        name = raw.decode("utf-8", "surrogateescape")
        if kind == _UNSET_VAR:
            actions.append(UnsetVar(Scope(scope), name))
            continue
        value, position = decode_value(data, position, end)
        actions.append(SetVar(Scope(scope), name, value))
    return tuple(actions)


_SCOPES: Final = frozenset(Scope)
_ARGS: Final = {_SET_VAR: _SET_VAR_ARGS, _UNSET_VAR: _UNSET_VAR_ARGS}
