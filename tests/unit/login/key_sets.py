"""What clients publish, without a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sumun.login.fetched_keys import FetchedKeys


class Web:
    """Addresses and what is there; what is not there does not answer. `asked`: every (address, private), in order."""

    def __init__(self, pages: Mapping[str, bytes] | None = None) -> None:
        self.pages = dict(pages or {})
        self.asked: list[tuple[str, bool]] = []

    async def fetch(self, uri: str, private: bool) -> bytes:
        """Keeps `fetched_keys.Fetch`."""
        self.asked.append((uri, private))
        if uri not in self.pages:
            raise ConnectionError("away")
        return self.pages[uri]


def nothing_fetched(monotonic: Callable[[], float] = float) -> FetchedKeys:
    """Where no client publishes anything."""
    return FetchedKeys(Web().fetch, monotonic)
