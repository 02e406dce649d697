"""What of a gateway's configuration stands on disk: the YAML, its tests, and the files of TLS that it names."""

from __future__ import annotations

from pathlib import Path

from sumun.config import Plan
from sumun.config.on_disk import Appearance, appearance, contents, version


class Written:
    """Tells whether something was written since it was last read."""

    def __init__(self, source: Path) -> None:
        """`source` is the YAML; which files it names is not known yet."""
        self._source = source
        self._yaml = ""
        self._named: tuple[Path, ...] = ()
        self._read_last = ""

    def is_to_be_read(self) -> None:
        """Before the YAML is read: what is written meanwhile is another version."""
        self._yaml = version(self._source)
        self._read_last = self._yaml + contents(self._named)

    def names(self, plan: Plan) -> None:
        """The YAML was read, and is this plan; the files that it names are read next."""
        self._named = tuple(map(Path, dict.fromkeys(_named(plan))))
        self._read_last = self._yaml + contents(self._named)

    def looks(self) -> Appearance:
        """How it looks now; cheap."""
        return appearance(self._source, self._named)

    def is_new(self) -> bool:
        """Whether something else stands there than what was read last, whatever came of it."""
        return version(self._source) + contents(self._named) != self._read_last


def _named(plan: Plan) -> list[str]:
    named = []
    for tls in plan.tls.values():
        for one in tls.certificates:
            named += [one.chain, one.key]
        if tls.clients is not None:
            named += [path for path in (tls.clients.authorities, tls.clients.revoked) if path]
    return named
