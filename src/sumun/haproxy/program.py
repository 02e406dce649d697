"""The HAProxy program: where it is, how old it is, what it was built with."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sumun.haproxy.errors import HAProxyMissingError, HAProxyTooOldError, HAProxyUnfitError

OLDEST: Final = (2, 6)
VARIABLE: Final = "HAPROXY"
"""Environment variable that names the program, instead of the one on PATH."""

_VERSION: Final = re.compile(r"^HA-?Proxy version (\d+)\.(\d+)(?:\.(\d+))?[^\s]*", re.MULTILINE)
_LOOKS_PAST_WHAT_IS_PREPARED: Final = (2, 6, 4)
"""Before it a look into a map that is being switched could find the wrong row (HAProxy's CHANGELOG, August 2022:
"pattern: only visit equivalent nodes when skipping versions").
"""
_ASK_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Program:
    """A HAProxy that was looked at and is fit for our files."""

    path: Path
    version: tuple[int, int]
    patch: int = 0

    @property
    def can_switch_maps(self) -> bool:
        """Whether rows of a map may be switched while requests look into it."""
        return (*self.version, self.patch) >= _LOOKS_PAST_WHAT_IS_PREPARED


def find_program(environment: Mapping[str, str] | None = None) -> Program:
    """The HAProxy to use: `HAPROXY` if set, else the one on PATH (and in sbin, which is not on every user's
    PATH).

    Raises HAProxyMissingError, HAProxyTooOldError or HAProxyUnfitError, each with what to do.
    """
    environment = os.environ if environment is None else environment
    named = environment.get(VARIABLE, "")
    search = f"{environment.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    found = shutil.which(named or "haproxy", path=search)
    if found is None:
        what = f"{VARIABLE} names {named!r}, which is no program" if named else "HAProxy is not installed"
        raise HAProxyMissingError(
            f"{what}; install HAProxy 2.6 or newer (Debian, Ubuntu: apt-get install haproxy), "
            f"or set {VARIABLE} to its path"
        )
    path = Path(found)
    return read_program(path, _describe(path))


def read_program(path: Path, description: str) -> Program:
    """The program that printed this for `haproxy -vv`. Raises when it is too old or lacks something."""
    match = _VERSION.search(description)
    if match is None:
        raise HAProxyMissingError(
            f"{path} is not HAProxy: it does not say its version; unset {VARIABLE}, or set it to the path of HAProxy"
        )
    version = (int(match[1]), int(match[2]))
    if version < OLDEST:
        raise HAProxyTooOldError(
            f"{path} is HAProxy {version[0]}.{version[1]}; sumun needs 2.6 or newer: install a newer one, "
            f"or set {VARIABLE} to the path of one"
        )
    for feature, why in _NEEDED.items():
        if not re.search(feature, description):
            raise HAProxyUnfitError(f"{path} was built without {why}; install the distribution's HAProxy")
    return Program(path, version, int(match[3] or 0))


# Regular expression over `haproxy -vv` -> what it stands for.
_NEEDED: Final = {
    r"\+PCRE2?\b": "PCRE, which the hygiene gate's regular expressions need",
    r"\+OPENSSL\b|\+SSL\b": "TLS",
    r"prometheus-exporter": "its Prometheus exporter",
    r"\[SPOE\]": "SPOE, through which it asks who may pass",
}


def _describe(path: Path) -> str:
    try:
        done = subprocess.run([path, "-vv"], capture_output=True, timeout=_ASK_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HAProxyMissingError(f"{path} cannot be run: {error}") from error
    return done.stdout.decode("utf-8", "replace")
