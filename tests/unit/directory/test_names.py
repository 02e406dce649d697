"""What may be called what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumun.directory.errors import ClientExistsError, InvalidNameError, NameTakenError
from sumun.directory.names import (
    account_name,
    display_name,
    refuse_client_name,
    refuse_configured_client,
    role_names,
    typed_name,
)
from sumun.identity import Subject


@pytest.mark.parametrize("name", ["alice", "a", "kim.minji@example.com", "x" * 128, "svc_1+test"])
def test_account_names(name: str) -> None:
    """A name that can be one is itself."""
    assert account_name(name) == name


@given(st.text())
def test_a_typed_name_is_a_name_or_nothing(text: str) -> None:
    """Whatever is typed is looked up as a name that an account could have, or not at all."""
    found = typed_name(text)
    if found is not None:
        assert account_name(found) == found
        assert Subject.user(found).id == found


@given(st.text())
def test_a_stored_name_finds_itself(text: str) -> None:
    """Every name that an account can have is found by typing it, in any case."""
    try:
        name = account_name(text)
    except InvalidNameError:
        return
    assert typed_name(name) == typed_name(name.upper()) == name


@pytest.mark.parametrize(
    "text", ["", "   ", "a\nb", "a\x00", "\u202eevil", "\ud800", "\u2028", "x" * 257, "\u0378"]
)
def test_display_names_that_cannot_be(text: str) -> None:
    """What does not print, or makes one name look like another, is refused; the sentence quotes nothing of it."""
    with pytest.raises(InvalidNameError) as caught:
        display_name(text)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("김민지", "김민지"),
        ("\u1112\u1161\u11ab", "한"),
        (" José ", "José"),
        ("Jose\u0301", "José"),
        ("👩‍🚀", "👩‍🚀"),
        ("x" * 256, "x" * 256),
    ],
)
def test_display_names(typed: str, stored: str) -> None:
    """Any name that people have, in one form."""
    assert display_name(typed) == stored


def test_names_of_clients() -> None:
    """A person's name is compared with client ids without case; a registered id with the configured ones, too."""
    refuse_client_name("alice", {"Shop"}, registered=False)
    with pytest.raises(NameTakenError, match="configured"):
        refuse_client_name("shop", {"Shop"}, registered=False)
    with pytest.raises(NameTakenError, match="registered"):
        refuse_client_name("shop", (), registered=True)
    with pytest.raises(ClientExistsError):
        refuse_configured_client("shop", {"SHOP"})


@pytest.mark.parametrize("role", ["", "*", "Admin", "a b", "role:x", "x" * 65, "관리자"])
def test_roles_that_cannot_be(role: str) -> None:
    """A role is what the scope `role:NAME` can name, and no pattern."""
    with pytest.raises(InvalidNameError, match="cannot be a role"):
        role_names({"user", role})
