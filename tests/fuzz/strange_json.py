"""JSON that nobody wrote by mistake: every kind of value where another is expected, as texts, so that what no encoder
of ours would write is there too (RFC 8259).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from hypothesis import strategies as st

_SINGLE = (
    *("null", "true", "false", "[]", "{}", '""', "[[]]", "[null]", '{"":null}'),
    *("0", "-0", "-1", "1", "1.0", "1e400", "-1e400", "9" * 17, "9" * 18, "9" * 5000, "NaN", "Infinity"),
    *(r'"\u0000"', r'"\ud800"', r'"\udc00\ud800"', r'"\u2028"', r'"\u202e"', r'"\uffff"', r'"\u009b2J"'),
    *('"' + "a" * 300 + '"', '"' + "\u00e9" * 300 + '"', '"\n"', '"\x00"', '"a.b.c"', '"https://[::1"'),
    "[" * 150 + "]" * 150,
    '{"a":' * 150 + "1" + "}" * 150,
    "[" * 3000 + "]" * 3000,
)


def object_of(pairs: Iterable[tuple[str, str]]) -> str:
    """The object of these members, each a JSON text; a name may stand twice."""
    return f"{{{','.join(f'{name}:{value}' for name, value in pairs)}}}"


_TEXTS = st.text(st.characters(exclude_categories=()), max_size=8).map(json.dumps)
_LEAVES = st.one_of(st.sampled_from(_SINGLE), _TEXTS, st.integers().map(str))

VALUES: st.SearchStrategy[str] = st.sampled_from(("[]", "{}", "1", "true")) | st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]"),
        st.lists(st.tuples(_TEXTS, inner), max_size=3).map(object_of),
    ),
    max_leaves=4,
)


def altered(good: Mapping[str, object], *others: str) -> st.SearchStrategy[str]:
    """A good object in which few members are gone, or strange, or there twice; with members of these names, perhaps."""
    names = st.sampled_from([*good, *others])
    values = st.one_of(VALUES, VALUES, st.sampled_from([json.dumps(value) for value in good.values()]))
    how = st.sampled_from([*["put"] * 6, "gone", "twice"])
    changes = st.lists(st.tuples(names, values, how), min_size=1, max_size=2)
    return changes.map(lambda changed: _altered(good, changed))


def _altered(good: Mapping[str, object], changed: Iterable[tuple[str, str, str]]) -> str:
    members = {name: json.dumps(value) for name, value in good.items()}
    twice: list[tuple[str, str]] = []
    for name, value, how in changed:
        if how == "gone":
            members.pop(name, None)
        elif how == "twice":
            twice.append((name, value))
        else:
            members[name] = value
    return object_of((json.dumps(name), value) for name, value in [*members.items(), *twice])


def as_bytes(text: str) -> bytes:
    """In UTF-8; a half of a surrogate pair as what no decoder takes."""
    return text.encode("utf-8", "surrogatepass")
