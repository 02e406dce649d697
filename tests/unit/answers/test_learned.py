"""What HAProxy may keep of an answer."""

from __future__ import annotations

from sumun.access import Proven, TokenKind
from sumun.answers.learned import fact_of
from sumun.answers.translate import Question
from sumun.identity import ANYTHING, Credential, CredentialKind, Principal, Subject

ALICE = Principal(
    Subject.user("alice"), "Alice", frozenset(), frozenset(), frozenset({ANYTHING}), "app", "tid_a"
)


def asked(kind: CredentialKind, span: str = "") -> Question:
    return Question(1, "page", False, Credential(kind, "secret"), "r", span=span)


def test_a_token_is_kept_until_it_ends() -> None:
    """And by the name of its credential."""
    fact = fact_of(asked(CredentialKind.BEARER), Proven(ALICE, TokenKind.OPAQUE, 1000.9))
    assert (fact.expires, fact.key) == (1000, Credential(CredentialKind.BEARER, "secret").fingerprint())


def test_a_session_is_kept_for_a_while() -> None:
    """It is asked about again in time, under another name in the next span: asking is what shows that it is in use."""
    proven = Proven(ALICE, TokenKind.SESSION, 1000.0, kept_until=200.5)
    facts = [fact_of(asked(CredentialKind.SESSION, span), proven) for span in ("7", "8")]
    assert [fact.expires for fact in facts] == [200, 200]
    assert facts[0].key != facts[1].key
