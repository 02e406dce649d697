"""The walk of `haproxy/routes.py` in Python, over the same map files: what HAProxy does, without HAProxy."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sumun.haproxy.sections import Files

Table = Mapping[str, str]


def tables(files: Files, listener: str) -> dict[str, dict[str, str]]:
    """The maps of a listener by their short names, and `hosts`."""
    found: dict[str, dict[str, str]] = {"hosts": {}}
    for file in files.files:
        if file.name.startswith(f"{listener}.") or file.name == "hosts.map":
            short = file.name.removeprefix(f"{listener}.").removesuffix(".map")
            rows = [line.text.partition(" ") for line in file.lines]
            found[short] = {key: value for key, _, value in rows}
            assert len(found[short]) == len(rows), f"{file.name} has a key twice: the oldest would win for ever"
    return found


def longest_prefix(table: Table, text: str) -> str | None:
    """HAProxy's map_beg."""
    for end in range(len(text), 0, -1):
        if text[:end] in table:
            return table[text[:end]]
    return None


def step(table: Table, walked: str) -> str:
    """One placeholder."""
    found = longest_prefix(table, walked)
    if found is None:
        return walked
    taken = re.sub(r"^=([^|]*)[|]\1[^/]+", r"\1*", f"{found}|{walked}", count=1)
    return re.sub(r"^[=:][^|]*[|]", "", taken, count=1)


def find(maps: Mapping[str, Table], host: str, method: str, path: str, steps: int) -> tuple[str | None, str]:
    """The answer for a request, or None, and the `Allow` that a 405 would carry ("none" or "" for a 404)."""
    prefix = maps["hosts"].get(host, "-") if maps["hosts"] else ""
    begun = walked = f"{prefix}{path}/"
    answer = maps["ends"].get(f"{method}:{walked}")
    for _ in range(steps):
        if answer is None:
            walked = step(maps["steps"], walked)
            answer = maps["ends"].get(f"{method}:{walked}")
    if answer is None:
        answer = longest_prefix(maps["rests"], f"{method}:{walked}")
    allow = maps["allow"]
    allowed = allow.get(begun) or allow.get(walked) or longest_prefix(maps["allow-rest"], walked) or ""
    return answer, allowed
