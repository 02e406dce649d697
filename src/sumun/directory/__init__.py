"""People, registered clients, grants, keys, denials and the audit record, in SQL: SQLite by default, or PostgreSQL.

Directory         the door: `users`, `clients`, `subjects`, `grants`, `lasting_logins`, `keys`, `denials`, `outbox`,
                  `audit`, `standing(subject)`
DirectoryThreads  the same door for the event loop
Occasion          who makes a change and when; goes into every change
Standing          a subject's rights and epochs in one consistent look (identity/standing.py)
epoch             grows with everything that takes something away; a *denial* tells verifiers of claims tokens
outbox            changes that are committed and not yet announced; `changes/` publishes and deletes them

One direction: a change takes the writers' lock, writes the rows, the denial, the audit record and the outbox entry in
one transaction, and returns the entry's id, or None when nothing changed. Nothing here announces anything, and nothing
here hashes a password while it holds a lock: `passwords` is pure computing, beside the database.
"""

from sumun.directory.client import RegisteredClient
from sumun.directory.denials import Denial, DenialKind
from sumun.directory.directory import Directory
from sumun.directory.grants import StoredGrant
from sumun.directory.held_rights import Held
from sumun.directory.keys import KeyState, NewKey, StoredKey
from sumun.directory.lasting_logins import LastingLogin
from sumun.directory.names import LOCAL
from sumun.directory.occasion import Occasion
from sumun.directory.outbox import Entry, NewsKind
from sumun.directory.outside_people import Linked, OutsidePerson
from sumun.directory.subjects import Epochs
from sumun.directory.threads import DirectoryThreads
from sumun.directory.user import LoginAccount, NewUser, User

__all__ = [
    "LOCAL",
    "Denial",
    "DenialKind",
    "Directory",
    "DirectoryThreads",
    "Entry",
    "Epochs",
    "Held",
    "KeyState",
    "LastingLogin",
    "Linked",
    "LoginAccount",
    "NewKey",
    "NewUser",
    "NewsKind",
    "Occasion",
    "OutsidePerson",
    "RegisteredClient",
    "StoredGrant",
    "StoredKey",
    "User",
]
