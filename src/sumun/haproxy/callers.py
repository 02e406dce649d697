"""Who calls, and with which rights: one text each, of the same form whether it was kept (`known`) or answered (`ask`).

    txn.smn.fact     expires|as_of|held|subject|token|client|user id|user name
    txn.v            backend|roles|permissions|shadow, of what is kept
    txn.smn.rights   |roles|permissions, of an answer

The fact is there only when it may be believed now: an answer brings it, or `known` found that it holds. It is what the
access log and the limits go by. An answer's has no expiry and no number.
"""

from __future__ import annotations

from typing import Final

from sumun.access.handover import CLIENT_ID, TOKEN_ID, USER_ID, USER_NAME, USER_PERMISSIONS, USER_ROLES
from sumun.haproxy.render_spoe import PREFIX

FACT: Final = f"txn.{PREFIX}.fact"
VERDICT: Final = "txn.v"
RIGHTS: Final = f"txn.{PREFIX}.rights"

# Fields of a fact and of rights (`kept`), counted from 1, or from the end: HAProxy looks at each byte on the way, and
# each call asks for a dozen of them.
EXPIRES, AS_OF, HELD, SUBJECT = range(1, 5)
TOKEN, CLIENT, USER, NAME = range(-4, 0)
BACKEND, ROLES, PERMISSIONS, SAID_BY_SHADOW = range(1, 5)


def field(variable: str, number: int) -> str:
    """The expression for one field of one of these texts."""
    return f"var({variable}),field({number},|)"


WHO: Final = field(FACT, SUBJECT)
BY: Final = field(FACT, CLIENT)
WITH: Final = field(FACT, HELD)


def tell(rights: str) -> list[str]:
    """The rules that tell the service who calls, with the rights in this variable.

    The client's own copies are gone: `gate` took them away, or found that there were none. A program that acts for
    itself has no user; every other header is always there.
    """
    return [
        *(
            f"http-request add-header {header} %[{field(FACT, number)}] if {{ {field(FACT, number)} -m len gt 0 }}"
            for header, number in ((USER_ID, USER), (USER_NAME, NAME))
        ),
        f"http-request add-header {USER_ROLES} %[{field(rights, ROLES)}]",
        f"http-request add-header {USER_PERMISSIONS} %[{field(rights, PERMISSIONS)}]",
        f"http-request add-header {CLIENT_ID} %[{field(FACT, CLIENT)}]",
        f"http-request add-header {TOKEN_ID} %[{field(FACT, TOKEN)}]",
    ]
