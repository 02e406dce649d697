"""What settings are made of, beside numbers: names, permissions and fixed words."""

from __future__ import annotations

from typing import Annotated

from sumun.access import TOKENS, TokenKind
from sumun.config.plan import KNOWN_GRANTS, METHODS
from sumun.config.rights import Right
from sumun.config.values import Flag, OneOf, Text
from sumun.identity import Permission
from sumun.identity.subject import NAME_PATTERN

NAMES = "1 to 63 of a-z, 0-9, - and _, with a letter first"
ServiceName = Annotated[str, Text("name of a service", r"[a-z][a-z0-9_-]{0,62}", NAMES)]
AuthenticatorName = Annotated[str, Text("name of an authenticator", r"[a-z][a-z0-9_-]{0,62}", NAMES)]
RouteName = Annotated[
    str, Text("name of a route", r"[a-z0-9][a-z0-9._-]{0,127}", "1 to 128 of a-z, 0-9 and . _ -")
]
# A role is also the action of the scope `role:NAME`, so its alphabet is that of a permission's side.
RoleText = Annotated[
    str, Text("role", r"[a-z][a-z0-9_.-]{0,63}", "1 to 64 of a-z, 0-9 and _ . -, with a letter first")
]
ClientId = Annotated[
    str,
    Text("client id", NAME_PATTERN, "1 to 128 letters, digits and . _ @ + -, a letter or digit at both ends"),
]
AnyPermission = Annotated[Permission, Right()]
Scope = Annotated[Permission, Right(roles=True)]
KindOfToken = Annotated[TokenKind, OneOf({kind.value: kind for kind in TokenKind if kind in TOKENS})]
Grant = Annotated[str, OneOf({grant: grant for grant in KNOWN_GRANTS})]
Method = Annotated[str, OneOf({method: method for method in METHODS})]
Switch = Annotated[bool, Flag()]
