"""Where a node's sockets and files are, as far as HAProxy's configuration must know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sumun.haproxy.errors import UnusablePathError

# unix(7): sun_path has 108 bytes with the final NUL. HAProxy binds under a temporary name first:
# `<path>.<pid>.tmp`.
_LONGEST_SOCKET_PATH: Final = 107 - len(".4194304.tmp")


@dataclass(frozen=True, slots=True)
class RuntimePaths:
    """`run` is the 0700 folder of the sockets, `generation` the folder that the files will be installed in.

    `user` and `group` are what HAProxy's workers become when the master is started as root; empty: they stay who
    they are. Raises UnusablePathError when `run` is too long for a socket's path.
    """

    run: Path
    generation: Path
    user: str = ""
    group: str = ""

    def __post_init__(self) -> None:
        """Refuse a run folder whose sockets could not be bound."""
        longest = max(len(str(path).encode()) for path in (self.http, self.runtime, self.answerer(999)))
        if longest > _LONGEST_SOCKET_PATH:
            raise UnusablePathError(
                f"the run folder {self.run} is too long for sockets inside it: "
                f"{longest} bytes with the socket's name, {_LONGEST_SOCKET_PATH} are possible. "
                "Choose a shorter data folder"
            )

    def answerer(self, number: int) -> Path:
        """Where answering process `number` (from 0) listens for SPOE."""
        return self.run / f"answer-{number}.sock"

    @property
    def http(self) -> Path:
        """Where the OAuth endpoints and the operator's pages listen, HTTP/1.1."""
        return self.run / "http.sock"

    @property
    def runtime(self) -> Path:
        """HAProxy's own runtime socket (stats socket)."""
        return self.run / "haproxy.sock"

    @property
    def master(self) -> Path:
        """HAProxy's master socket."""
        return self.run / "master.sock"
