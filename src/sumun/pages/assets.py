"""Files that pages load: each under a path with the hash of what is in it, so it may be kept for a year."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

FOLDER = "/account/assets/"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: where it is found, what it is, and its bytes."""

    path: str
    content_type: str
    body: bytes


def _asset(name: str, content_type: str) -> Asset:
    body = (files("sumun.pages") / "static" / name).read_bytes()
    stem, _, ending = name.rpartition(".")
    return Asset(f"{FOLDER}{stem}-{hashlib.sha256(body).hexdigest()[:12]}.{ending}", content_type, body)


STYLESHEET = _asset("sumun.css", "text/css; charset=utf-8")
MARK = _asset("mark.svg", "image/svg+xml")
PRESS = _asset("press.js", "text/javascript; charset=utf-8")

ASSETS: Mapping[str, Asset] = {asset.path: asset for asset in (STYLESHEET, MARK, PRESS)}
