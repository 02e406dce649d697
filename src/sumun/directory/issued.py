"""What was issued under one id, a session (`sid_...`), a grant (`grt_...`) or a refresh family (`fam_...`), ends.

Two steps. The first is here or in `grants`: the end is stored, with an outbox entry that says so. The second is made by
whoever relays the entry: the token store forgets what it holds under the id and takes no more, and then `settle` ends
here what the store cannot: families that were begun beside the end, and JWTs. Doing the second step again does no harm.
"""

from __future__ import annotations

from collections.abc import Collection

from sumun.audit.events import RefreshEnded, SessionEnded
from sumun.directory.audit_trail import write_down
from sumun.directory.database import Database
from sumun.directory.denials import Denial, DenialKind, deny
from sumun.directory.occasion import CLOCK_LEEWAY_MS, Occasion
from sumun.directory.outbox import NewsKind, announce
from sumun.directory.refresh_families import end_families, family_row
from sumun.directory.tables import REFRESH_FAMILIES

GRANT_PREFIX = "grt_"


class Issued:
    """Ends of what tokens were issued under. Every method may raise DirectoryUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def end_session(self, session_id: str, occasion: Occasion) -> int:
        """A browser session is over: what was issued in it ends. Returns the outbox entry."""
        with self._database.write() as connection:
            end_families(connection, REFRESH_FAMILIES.c.session_id == session_id)
            write_down(connection, SessionEnded(f"session:{session_id}"), occasion)
            return announce(connection, NewsKind.ISSUED, session_id)

    def end_family(self, family_id: str, reason: str, occasion: Occasion) -> int:
        """A refresh family is over, or never began: what was issued in it ends. Returns the outbox entry.

        `reason` is a word for the audit record: `replayed`, `revoked`, `logged_out`.
        """
        with self._database.write() as connection:
            row = family_row(connection, family_id)
            if row is not None:
                end_families(connection, REFRESH_FAMILIES.c.id == family_id)
                event = RefreshEnded(row.subject, family_id, row.client_id, reason)
                write_down(connection, event, occasion)
            return announce(connection, NewsKind.ISSUED, family_id)

    def settle(self, key: str, claims: Collection[tuple[str, int]], occasion: Occasion) -> None:
        """The store is done with this id: end the families of an ended session, and deny these (jti, expiry) JWTs."""
        with self._database.write() as connection:
            end_families(connection, REFRESH_FAMILIES.c.session_id == key)
            for jti, expires_at_ms in claims:
                until = max(expires_at_ms, occasion.at_ms) + CLOCK_LEEWAY_MS
                deny(connection, Denial(DenialKind.TOKEN, jti, None, until), occasion.at_ms)
                announce(connection, NewsKind.TOKEN, jti)
