"""From the maps of one generation's routes to the next one's, in a worker that goes on serving. Pure.

When two generations differ in nothing but the maps of their routes, HAProxy needs no new worker: the rows are changed
in the one that serves, and nobody's connection is touched. A row that answers names its generation, so a request is
decided by the generation whose row it found, in what is kept, in the question and in the log.

A request looks into a map while another thread changes it. What it may meet there is its old answer or its new one,
and nothing else:

1  `commit map` makes all rows of a version visible in one step, but the search for the longest prefix walks from longer
   keys to shorter ones, and takes a row if its version is in force *at that moment*. It may pass a longer key that is
   new, because its time had not come, and then find a shorter one that is new, because by then it had. So before the
   version comes, the keys that it adds are added to the rows in force, each with the value that is found for it now.
2  A path with placeholders takes several looks. The first is by keys without a generation, the others by keys of the
   generation that the first one named (`route_maps`). So the rows of both are there: the next ones before the version
   comes, those before until the next switch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from sumun.haproxy.route_maps import NO_ROUTE, OF
from sumun.haproxy.sections import File, Files

Table: TypeAlias = Mapping[str, str]

MOST_ROWS: Final = 100_000
"""Rows in one map: they are written in a quarter of a second (2.6.12, 201 commands for 40,000 rows in 76 ms)."""

_SWITCHED: Final = (".routes.map", ".methods.map")


@dataclass(frozen=True, slots=True)
class Switch:
    """What must be done to one map: add rows to those in force, then put others in the place of all."""

    map: str
    added: Table
    rows: Table


def switches(before: Files, after: Files, unlike: frozenset[str] = frozenset()) -> tuple[Switch, ...] | None:
    """What to do with a worker that runs `before` so that it runs `after`; None: only a new worker can.

    `unlike` are files that HAProxy does not read.
    """
    old = {file.name: file for file in before.files if file.name not in unlike}
    new = {file.name: file for file in after.files if file.name not in unlike}
    if old.keys() != new.keys():
        return None
    changed = []
    for name in sorted(new):
        if name.endswith(_SWITCHED):
            changed.append(_switch(name, _table(old[name]), _table(new[name])))
        elif old[name].text() != new[name].text():
            return None
    return None if any(len(one.rows) > MOST_ROWS for one in changed) else tuple(changed)


def _switch(name: str, before: Table, after: Table) -> Switch:
    added = {
        key: value if _generation(key) else _found(before, key)
        for key, value in after.items()
        if key not in before
    }
    still_walked = {key: value for key, value in before.items() if _generation(key)}
    return Switch(name, added, {**after, **still_walked})


def _generation(key: str) -> str:
    """Empty for the key of a first look."""
    return key.partition(OF)[0] if OF in key.partition("/")[0] else ""


def _found(table: Table, text: str) -> str:
    """What `map_beg` finds for this text."""
    ends = range(len(text), 0, -1)
    return next((table[text[:end]] for end in ends if text[:end] in table), NO_ROUTE)


def _table(file: File) -> Table:
    rows = (line.text.partition(" ") for line in file.lines)
    return {key: value for key, _, value in rows}
