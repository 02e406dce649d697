"""Relay: the outbox of the directory becomes news in the feed.

Entries are published oldest first and deleted after, so the order of the commits is the order of the news. Two
processes may relay at once, and a crash may fall between publishing and deleting: then an entry is news twice, which
means the same ("forget what you know of alice") and only makes a process look again. No number is remembered: a
database that was restored, or a standby that took over, may give one twice.

Entries of the kind ISSUED are work rather than news: the tokens under their id are brought in line, and the store tells
of those that changed. Doing it twice does no harm either.
"""

from __future__ import annotations

import asyncio
import logging

from sumun.changes.in_line import InLine
from sumun.directory import Directory, DirectoryThreads, Entry, NewsKind
from sumun.errors import OutageError
from sumun.tokens.feed import Change, ChangeKind, Feed

log = logging.getLogger(__name__)

# One command to the store and one transaction for so many: after an outage, thousands are announced in moments.
BATCH = 500
INTERVAL_SECONDS = (
    1.0  # how long news waits that a crash, or another process without a feed, left in the outbox
)
_LONGEST_PAUSE_SECONDS = 10.0  # after repeated outages


class Relay:
    """Carries the outbox to the feed. Lives on one event loop; owns neither end."""

    def __init__(self, directory: Directory, threads: DirectoryThreads, feed: Feed, in_line: InLine) -> None:
        """All four stay open as long as the relay is used."""
        self._directory = directory
        self._threads = threads
        self._feed = feed
        self._in_line = in_line
        self._one_at_a_time = asyncio.Lock()
        self._announced: set[Entry] = set()  # published, and still in the outbox as far as this process knows

    async def relay_outbox(self, mine: int | None = None) -> int | None:
        """Announce everything that waits; returns the number of the last news, None when nothing waited.

        Raises StoreUnavailableError, DirectoryUnavailableError: something was not announced, or not deleted; it is
        still in the outbox. What cannot be brought in line keeps nothing else back; with `mine`, it is told only to
        whoever's entry it is.
        """
        last = None
        failed: dict[Entry, OutageError] = {}
        async with self._one_at_a_time:
            while entries := await self._threads.call(self._directory.outbox.oldest, BATCH):
                fresh = [entry for entry in entries if entry not in self._announced]
                if news := [entry for entry in fresh if entry.kind is not NewsKind.ISSUED]:
                    last = await self._feed.publish([_change(entry) for entry in news])
                    self._announced.update(news)
                for entry in fresh:
                    if entry.kind is NewsKind.ISSUED and entry not in failed:
                        try:
                            last = await self._in_line.bring(entry.key) or last
                            self._announced.add(entry)
                        except OutageError as outage:
                            failed[entry] = outage
                done = [entry for entry in entries if entry not in failed]
                if not done:
                    break
                try:
                    await self._threads.change(self._directory.outbox.delete, [entry.id for entry in done])
                except OutageError as outage:
                    if last is None:
                        raise
                    log.warning("announced news stays in the outbox for now: %s", outage)
                    break
                self._announced.difference_update(done)
        for entry, why in failed.items():
            if mine in (None, entry.id):
                raise why
        return last

    async def relay_forever(self, interval_seconds: float = INTERVAL_SECONDS) -> None:
        """Relay again and again until cancelled. An outage is logged when it begins and when it ends."""
        pause = interval_seconds
        while True:
            try:
                await self.relay_outbox()
            except OutageError as outage:
                if pause == interval_seconds:
                    log.warning("news waits in the outbox: %s", outage)
                pause = min(pause * 2, max(_LONGEST_PAUSE_SECONDS, interval_seconds))
            else:
                if pause != interval_seconds:
                    log.info("news flows from the outbox again")
                pause = interval_seconds
            await asyncio.sleep(pause)


def _change(entry: Entry) -> Change:
    return Change(ChangeKind(entry.kind.value), entry.key)
