"""src/sumun/tokens/stores/stored_record.py"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sumun.identity import ANYTHING, Permission, Subject
from sumun.tokens.record import TokenRecord
from sumun.tokens.stores.stored_record import CorruptRecordError, decode, encode

words = st.from_regex(r"[a-z][a-z0-9_.-]{0,10}", fullmatch=True)
permissions = st.frozensets(st.builds(Permission, words | st.just("*"), words | st.just("*")), max_size=4)
records = st.builds(
    TokenRecord,
    token_id=st.from_regex(r"[!-~]{1,40}", fullmatch=True),
    subject=st.sampled_from([Subject.user("alice"), Subject.client("a.b_c@d+e-f")]),
    client_id=words,
    scopes=permissions,
    issued_at_ms=st.integers(0, 2**53),
    expires_at_ms=st.integers(0, 2**53),
    login_epoch=st.integers(0, 2**53),
    own_rights=st.booleans(),
    roles=st.frozensets(words, max_size=4),
    permissions=permissions,
    note=st.text(st.characters(codec="utf-8")),
    openid=st.frozensets(words, max_size=2),
    session_id=words,
    grant_id=words,
    audience=st.frozensets(words, max_size=2),
    bound_to=words | st.just(""),
    actor=words,
    family_id=words,
)


@given(records)
def test_comes_back(record: TokenRecord) -> None:
    """Every record is read as it was written."""
    assert decode(encode(record)) == record


@given(st.binary() | st.binary().map(lambda data: b"1 tid_x " + data))
def test_anything_else_is_corrupt(data: bytes) -> None:
    """Other bytes are one error, and its words hold nothing of them."""
    with pytest.raises(
        CorruptRecordError, match=r"^a token record (in the store cannot be read|has a version)"
    ) as caught:
        decode(data)
    assert caught.value.__cause__ is None


def test_version_1_is_read_forever() -> None:
    """What an older sumun wrote is still a token; a change of these bytes needs a new version number."""
    written = b'1 tid_1 {"s":"user:alice","c":"shop","p":["*:*"],"i":1,"e":2,"l":3,"o":true,"r":["a"],"d":["b:c"],"n":"x"}'
    record = TokenRecord(
        *("tid_1", Subject.user("alice"), "shop", frozenset({ANYTHING}), 1, 2, 3),
        *(True, frozenset({"a"}), frozenset({Permission("b", "c")}), "x"),
    )
    assert decode(written) == record
    assert encode(record) == written
    assert decode(b'1 t {"s":"user:a","c":"c","p":["*:*"],"i":1,"e":2,"l":3}').roles == frozenset()


def test_what_narrows_is_not_for_older_readers() -> None:
    """A record that binds its token, or says where it is good, has a version that a sumun which ignores that refuses."""
    plain = TokenRecord("tid_1", Subject.user("alice"), "shop", frozenset({ANYTHING}), 1, 2, 3)
    assert encode(plain).startswith(b"1 ")
    assert encode(replace(plain, bound_to="jkt:x")).startswith(b"2 ")
    assert encode(replace(plain, audience=frozenset({"a"}))).startswith(b"2 ")


def test_a_newer_version_is_not_guessed() -> None:
    """A record of a newer sumun is an outage for an older one, never half a token."""
    with pytest.raises(CorruptRecordError, match="version"):
        decode(b'3 tid_1 {"s":"user:alice","c":"shop","p":["*:*"],"i":1,"e":2,"l":3}')


@pytest.mark.parametrize("token_id", ["", "a b", "a\n", "é", "x" * 129])
def test_an_id_that_would_blur_the_front(token_id: str) -> None:
    """The handle stands in front of the record without quotes, so it holds nothing that could end it."""
    record = TokenRecord(token_id, Subject.user("a"), "c", frozenset(), 0, 0, 0)
    with pytest.raises(ValueError, match="not a token id"):
        encode(record)
