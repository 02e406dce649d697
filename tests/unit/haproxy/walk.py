"""The walk of `haproxy/routes.py` in Python, over the same map files: what HAProxy does, without HAProxy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from sumun.haproxy.sections import Files

Table = Mapping[str, str]


def table(files: Files, name: str) -> dict[str, str]:
    """A map file, read; empty when it is not there."""
    rows = [line.text.partition(" ") for file in files.files if file.name == name for line in file.lines]
    found = {key: value for key, _, value in rows}
    assert len(found) == len(rows), f"{name} has a key twice: the oldest would win for ever"
    return found


def longest_prefix(rows: Table, text: str) -> str:
    """HAProxy's map_beg, with `.` as its default."""
    ends = range(len(text), 0, -1)
    return next((rows[text[:end]] for end in ends if text[:end] in rows), ".")


def walk(look: Callable[[str], str], text: str, placeholders: int) -> str:
    """The answer for `METHOD:/path`; `look` is one look into the map."""
    walked = f"{text}/|"
    found = look(walked)
    for _ in range(placeholders):
        if found.startswith("="):
            take = r"^=([^@|]*@)([^|]*)[|](?:\1)?\2[^/|]+"
            walked = re.sub(take, r"\1\2*", f"{found}|{walked}", count=1)
            found = look(walked)
    if found.startswith("!"):
        found = re.sub(r"^!([^;]*);(.*)[|]\1[^/|]+/[|]$", r"\2", f"{found}|{walked}", count=1)
        found = re.sub(r"^!.*", ".", found, count=1)
    return found


class Walker:
    """Finds routes in the files of a generation, as one listener does."""

    def __init__(self, files: Files, listener: str) -> None:
        self._hosts = table(files, "hosts.map")
        self._routes = table(files, f"{listener}.routes.map")
        self._methods = table(files, f"{listener}.methods.map")
        self._placeholders = max(key.count("*") for key in (*self._routes, *self._methods))

    def answer(self, host: str, method: str, path: str) -> str:
        """`backend|route id|flags|generation.rule`, or `.`."""
        return walk(
            partial(longest_prefix, self._routes), f"{self._host(host)}{method}:{path}", self._placeholders
        )

    def methods(self, host: str, path: str) -> str:
        """What `Allow` would say, or `.` for a 404."""
        return walk(partial(longest_prefix, self._methods), f"{self._host(host)}:{path}", self._placeholders)

    def _host(self, host: str) -> str:
        return self._hosts.get(host, "-/") if self._hosts else ""
