"""Subjects and credentials: text forms and what never prints."""

from __future__ import annotations

import hashlib

import pytest

from sumun.identity import Credential, CredentialKind, InvalidSubjectError, Subject


@pytest.mark.parametrize("text", ["user:alice", "client:batch", "user:kim@example.org", "user:A"])
def test_the_text_form_round_trips(text: str) -> None:
    """What parse reads, str writes."""
    assert str(Subject.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "user:",
        "user:a b",
        "user:-a",
        "group:a",
        "user:a|b",
        "user:" + "a" * 129,
        "user:a\n",
        "user:앨리스",
    ],
)
def test_what_is_not_a_subject_is_refused(text: str) -> None:
    """Anything outside the grammar is InvalidSubjectError."""
    with pytest.raises(InvalidSubjectError):
        Subject.parse(text)


def test_a_secret_never_prints() -> None:
    """repr of a credential hides its secret."""
    assert "hush" not in repr(Credential(CredentialKind.BEARER, "hush"))


def test_the_fingerprint_is_what_haproxy_computes() -> None:
    """Upper-case hex of SHA-256 over secret, kind and binding, separated by bars."""
    wanted = hashlib.sha256(b"t|bearer|b").hexdigest().upper()
    assert Credential(CredentialKind.BEARER, "t").fingerprint("b") == wanted
