"""Caller: who an explanation is about, and what is known of where their evidence came from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sumun.access import Evidence, TokenKind
from sumun.config.plan import Place
from sumun.identity import Permission


class Shown(StrEnum):
    """What the question named."""

    NOTHING = "no_credential"
    TOKEN = "token"
    SUBJECT = "subject"


@dataclass(frozen=True, slots=True)
class ThroughClient:
    """The client that a token came through: what bounds its scopes, and where that is written.

    `where` is None for a client registered at run time.
    """

    id: str
    scopes: frozenset[Permission]
    kinds: frozenset[TokenKind]
    where: Place | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asked about.

    `words` names them in a sentence ("the person bob"). `own_rights`: the token's rights are its own and do not follow
    its subject. `assumed`: what the question left open and was taken for granted, as sentences.
    """

    words: str
    evidence: Evidence
    shown: Shown
    own_rights: bool = False
    client: ThroughClient | None = None
    assumed: tuple[str, ...] = ()
