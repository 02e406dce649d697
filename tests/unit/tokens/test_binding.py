"""Sender-constrained tokens: what a call has to prove before a bound token is worth anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sumun.access import Bound, Invalid, InvalidBecause, Missing, Proven, TokenKind
from sumun.identity import ANYTHING, Principal, Subject
from sumun.tokens.binding import (
    confirmation,
    for_its_holder,
    held,
    if_bound,
    read_confirmation,
    to_certificate,
    to_key,
    token_type,
)

KEY, OTHER, CERTIFICATE = to_key("k" * 43), to_key("o" * 43), to_certificate("k" * 43)
BOB = Principal(Subject.user("bob"), "Bob", frozenset(), frozenset(), frozenset({ANYTHING}), "app", "tid_1")
PROVEN = Proven(BOB, TokenKind.OPAQUE, 200.0, 7)


def test_a_bearer_token_needs_no_proof() -> None:
    """What is bound to nothing stays as it is, whatever the call proves beside."""
    assert if_bound(PROVEN, "") is PROVEN
    assert held(PROVEN, {KEY}) is PROVEN


@pytest.mark.parametrize("proved", [(), (OTHER,), (CERTIFICATE,), ("k" * 43,), ("",)])
def test_a_bound_token_is_nobody_elses(proved: tuple[str, ...]) -> None:
    """No key, another key, a certificate with the key's thumbprint, a thumbprint of no kind: it proves nothing."""
    assert held(if_bound(PROVEN, KEY), proved) == Invalid(InvalidBecause.BINDING_FAILED)


@pytest.mark.parametrize("bound_to", [KEY, CERTIFICATE])
def test_its_holder_may_use_it(bound_to: str) -> None:
    """Who proves what the token is bound to gets what it proves, marked so that nothing of it is kept."""
    assert held(if_bound(PROVEN, bound_to), {OTHER, bound_to}) == replace(PROVEN, bound_to=bound_to)


def test_the_unbound_are_left_alone() -> None:
    """Missing and invalid credentials do not become better by a proof."""
    assert held(Missing(), {KEY}) == Missing()
    assert held(Invalid(InvalidBecause.EXPIRED), {KEY}) == Invalid(InvalidBecause.EXPIRED)
    assert for_its_holder(Invalid(InvalidBecause.EXPIRED)) == Invalid(InvalidBecause.EXPIRED)


def test_what_is_opened_stays_open() -> None:
    """A stream or a ticket of a bound token is judged without a new proof."""
    bound = if_bound(PROVEN, KEY)
    assert isinstance(bound, Bound)
    assert for_its_holder(bound) == replace(PROVEN, bound_to=KEY)


def test_cnf_is_the_same_pair() -> None:
    """What a JWT says reads back as what was bound (RFC 7800 3.1)."""
    assert confirmation("") == {}
    assert confirmation(KEY) == {"jkt": "k" * 43}
    assert [read_confirmation(confirmation(one)) for one in (KEY, CERTIFICATE)] == [KEY, CERTIFICATE]
    assert (token_type(KEY), token_type(CERTIFICATE), token_type("")) == ("DPoP", "Bearer", "Bearer")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=50),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["jkt", "x5t#S256", "a"]), inner)
    ),
)


@given(JSON)
def test_no_other_cnf_is_read(cnf: object) -> None:
    """A confirmation that we would not have written makes the token unreadable; it is never taken for unbound."""
    assert read_confirmation(cnf) is None


@pytest.mark.parametrize("text", ["", "k" * 42, "k" * 44, "k" * 42 + "=", "k" * 42 + "\n"])
def test_only_thumbprints_bind(text: str) -> None:
    """32 bytes in base64url without padding, and nothing else."""
    with pytest.raises(ValueError, match="thumbprint"):
        to_key(text)
