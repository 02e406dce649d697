"""WHO: the words for people, programs, and what they hold.

Permission  one right, `resource:action`; `*` on either side covers every value of that side
Subject     who something is about: a user or a client, `user:alice`, `client:batch`
Principal   who a credential proves, with roles, direct permissions and the scopes that cut them down
Standing    what the directory says of a subject right now
Credential  what a request carries; its secret never prints

Values only: nothing here reads a clock, a file or a socket, and nothing is imported but `errors`.
"""

from sumun.identity.credential import Credential, CredentialKind
from sumun.identity.permission import ANYTHING, InvalidPermissionError, Permission, narrowed
from sumun.identity.principal import Principal
from sumun.identity.standing import Standing
from sumun.identity.subject import InvalidSubjectError, Subject, SubjectKind

__all__ = [
    "ANYTHING",
    "Credential",
    "CredentialKind",
    "InvalidPermissionError",
    "InvalidSubjectError",
    "Permission",
    "Principal",
    "Standing",
    "Subject",
    "SubjectKind",
    "narrowed",
]
