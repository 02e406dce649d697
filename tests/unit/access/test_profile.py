"""Profiles: equal ids are equal rights, and a text says all that a decision looks at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.access import NotAProfileError, Profile, TokenKind, profile_id
from sumun.access.profile import id_of
from sumun.identity import Permission

SIDE = st.from_regex(r"[a-z][a-z0-9_.-]{0,5}", fullmatch=True)
PERMISSION = st.builds(Permission, SIDE | st.just("*"), SIDE | st.just("*"))
RIGHTS = st.frozensets(PERMISSION, max_size=3)
PROFILES = st.builds(
    Profile,
    st.sampled_from(TokenKind),
    st.frozensets(SIDE, max_size=3),
    RIGHTS,
    RIGHTS,
    st.booleans(),
    st.frozensets(st.sampled_from(["https://a.example", "https://b.example/x?y=1", "urn:own"]), max_size=3),
)


@given(PROFILES, PROFILES)
def test_a_text_says_all_of_it(one: Profile, other: Profile) -> None:
    """A profile comes out of its text as it went in, and two have one id only when they are the same."""
    assert Profile.parse(one.text) == one
    assert one.id == id_of(one.text) == profile_id(*one_by_one(one))
    assert len(one.id) == 20  # 120 bits in base64url
    assert ";" not in one.id
    assert (one.id == other.id) == (one == other)


def one_by_one(
    profile: Profile,
) -> tuple[TokenKind, frozenset[str], frozenset[Permission], frozenset[Permission], bool, frozenset[str]]:
    """The arguments of `profile_id`."""
    rights = profile.roles, profile.permissions, profile.scopes
    return profile.kind, *rights, profile.own_rights, profile.audience


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "opaque",
        "opaque;;",
        "paper;;;",
        "opaque;;x;",
        "opaque;;;X:y",
        "opaque;;;;",
        "opaque;;;;own;",
        "opaque;;;;their",
        "opaque;;;;for:",
        "opaque;;;;for:urn:a;own",
        "opaque;;;;for:urn:a;for:urn:b",
        "opaque;;;;own;own",
    ],
)
def test_another_text_is_no_profile(text: str) -> None:
    """What does not say the kind and three lists is refused."""
    with pytest.raises(NotAProfileError):
        Profile.parse(text)
