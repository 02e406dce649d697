"""Clients registered at run time, over SQLite and PostgreSQL."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

from sumun.access import TokenKind
from sumun.config.plan import ClientKind
from sumun.directory import DenialKind, Directory, Epochs, NewsKind
from sumun.directory.errors import (
    ClientExistsError,
    DirectoryRefusedError,
    InvalidNameError,
    NameTakenError,
    UnknownClientError,
)
from sumun.identity import Permission, Subject
from tests.contracts.occasions import CONFIGURED, DENIED_UNTIL_MS, NOW, NOW_MS, client, person

BATCH = Subject.client("batch")


@pytest.fixture
def batch(directory: Directory) -> Directory:
    """The directory with the client batch in it, and its news announced."""
    directory.clients.add(client("batch"), CONFIGURED, NOW)
    directory.outbox.delete([entry.id for entry in directory.outbox.oldest(10)])
    return directory


def news(directory: Directory) -> list[tuple[NewsKind, str]]:
    """What waits to be announced."""
    return [(entry.kind, entry.key) for entry in directory.outbox.oldest(100)]


def test_a_client_comes_back_whole(directory: Directory) -> None:
    """Every field is read back as it was registered, the login chain in its order."""
    shop = client(
        "shop",
        kind=ClientKind.PUBLIC,
        secret_sha256=None,
        grants=frozenset({"authorization_code", "refresh_token"}),
        first_party=True,
        login=("password", "staff", "ldap"),
        token_kind=TokenKind.JWT,
        redirect_uris=("http://127.0.0.1/b", "http://127.0.0.1/a?x=1"),
    )
    robot = client(
        "robot",
        secret_sha256=None,
        name="The Robot 로봇",
        authentication="private_key_jwt",
        jwks='{"keys":[{"kty":"OKP"}]}',
        post_logout_redirect_uris=("https://r.example/b", "https://r.example/a"),
        requires_pushed_requests=True,
        dpop=True,
        registration_sha256=bytes(32),
    )
    for one in (shop, robot):
        directory.clients.add(one, CONFIGURED, NOW)
        assert directory.clients.get(one.id) == one
    assert directory.clients.list() == [robot, shop]


def test_a_client_has_a_standing(batch: Directory) -> None:
    """A program that acts for itself is looked at like a person."""
    standing = batch.standing(BATCH)
    assert standing is not None
    assert (standing.roles, standing.permissions) == ({"user"}, {Permission("order", "read")})
    assert (standing.epoch, standing.login_epoch, standing.disabled) == (0, 0, False)
    assert batch.standing(Subject.client("nobody")) is None


def test_ids_are_never_given_twice(batch: Directory) -> None:
    """Not to a second client, nor to one of the configuration file, nor to a person, nor in upper case."""
    batch.users.add(person("alice"), CONFIGURED, NOW)
    with pytest.raises(ClientExistsError, match="never given twice"):
        batch.clients.add(client("batch"), CONFIGURED, NOW)
    with pytest.raises(ClientExistsError, match="in the configuration file"):
        batch.clients.add(client("shop-app"), CONFIGURED, NOW)
    with pytest.raises(NameTakenError, match="a person's account"):
        batch.clients.add(client("alice"), CONFIGURED, NOW)
    with pytest.raises(InvalidNameError):
        batch.clients.add(client("Batch2"), CONFIGURED, NOW)
    assert [c.id for c in batch.clients.list()] == ["batch"]


def test_the_secret_is_only_compared(batch: Directory) -> None:
    """Only the hash is kept; the right secret is recognised, nothing else is, and nothing shows it."""
    digest = hashlib.sha256(b"s3cret").digest()
    batch.clients.rotate_secret("batch", digest, NOW)
    kept = batch.clients.get("batch")
    assert kept is not None
    assert kept.has_secret("s3cret")
    assert not kept.has_secret("s3cret ")
    assert not kept.has_secret("\udcff")
    assert not client("x", kind=ClientKind.PUBLIC, secret_sha256=None).has_secret("")
    assert digest.hex() not in repr(kept)
    assert repr(digest) not in repr(kept)


def test_a_rotated_secret_ends_what_it_obtained(batch: Directory) -> None:
    """The client's own tokens end; those of people, issued through it, live on."""
    batch.clients.rotate_secret("batch", bytes(32), NOW)
    assert batch.subjects.epochs(BATCH) == Epochs(1, 1)
    assert batch.denials.of(DenialKind.CLIENT, "batch") is None
    assert news(batch) == [(NewsKind.SUBJECT, "client:batch"), (NewsKind.CLIENT, "batch")]


@pytest.mark.parametrize("field", ["scopes", "roles", "permissions", "grants"])
def test_taking_away_denies_both_sides(batch: Directory, field: str) -> None:
    """Less for a client: older claims tokens of its own and of people through it are denied; it is news."""
    batch.clients.change(dataclasses.replace(client("batch"), **{field: frozenset()}), NOW)
    assert batch.subjects.epochs(BATCH) == Epochs(1, 0)
    for kind, key in ((DenialKind.SUBJECT, "client:batch"), (DenialKind.CLIENT, "batch")):
        denial = batch.denials.of(kind, key)
        assert denial is not None
        assert (denial.min_epoch, denial.expires_at_ms) == (1, DENIED_UNTIL_MS)
    assert (NewsKind.CLIENT, "batch") in news(batch)
    assert batch.audit.newest(limit=1)[0].detail == {"fields": [field], "lowered": True}


def test_giving_denies_nothing(batch: Directory) -> None:
    """More for a client is news and no denial; the secret is left alone."""
    more = dataclasses.replace(client("batch"), roles=frozenset({"user", "clerk"}), secret_sha256=bytes(32))
    batch.clients.change(more, NOW)
    changed = batch.clients.get("batch")
    assert changed is not None
    assert (changed.roles, changed.secret_sha256) == ({"user", "clerk"}, bytes(range(32)))
    assert batch.denials.alive(NOW_MS) == []
    assert (NewsKind.CLIENT, "batch") in news(batch)


def test_the_same_again_changes_nothing(batch: Directory) -> None:
    """No write, no record and no news for what is so already."""
    before = batch.audit.newest()
    assert batch.clients.change(client("batch"), NOW) is None
    assert batch.clients.enable("batch", NOW) is None
    assert (batch.audit.newest(), news(batch)) == (before, [])


def test_disabled_and_enabled(batch: Directory) -> None:
    """A disabled client says so in client and standing, both sides are denied, and enabling brings nothing back."""
    batch.clients.disable("batch", NOW)
    stopped, standing = batch.clients.get("batch"), batch.standing(BATCH)
    assert stopped is not None
    assert standing is not None
    assert (stopped.disabled, standing.disabled, standing.epoch, standing.login_epoch) == (True, True, 1, 1)
    assert batch.denials.of(DenialKind.CLIENT, "batch") is not None
    assert batch.clients.disable("batch", NOW) is None
    batch.clients.enable("batch", NOW)
    standing = batch.standing(BATCH)
    assert standing is not None
    assert (standing.disabled, standing.epoch) == (False, 1)


def test_what_no_client_can_be(batch: Directory) -> None:
    """A public client with a secret, a confidential one without, another kind, a space in an address: all refused."""
    for unfit in (
        client("a", kind=ClientKind.PUBLIC),
        client("b", secret_sha256=None),
        client("c", redirect_uris=("http://127.0.0.1/a b",)),
        client("c", redirect_uris=("http://shop.example/back",)),
        client("c", redirect_uris=("javascript:alert(1)",)),
        client("d", grants=frozenset({""})),
        client("e", jwks="{}"),
        client("f", kind=ClientKind.PUBLIC, secret_sha256=None, jwks="{}"),
    ):
        with pytest.raises(DirectoryRefusedError):
            batch.clients.add(unfit, CONFIGURED, NOW)
    with pytest.raises(DirectoryRefusedError, match="stays so"):
        batch.clients.change(client("batch", kind=ClientKind.RESOURCE_SERVER), NOW)
    batch.clients.add(client("web", kind=ClientKind.PUBLIC, secret_sha256=None), CONFIGURED, NOW)
    with pytest.raises(DirectoryRefusedError, match="no secret to rotate"):
        batch.clients.rotate_secret("web", bytes(32), NOW)


def test_unknown_clients(directory: Directory) -> None:
    """Every change of a client that is not there is refused by name."""
    for change in (
        lambda: directory.clients.change(client("zoe"), NOW),
        lambda: directory.clients.disable("zoe", NOW),
        lambda: directory.clients.enable("zoe", NOW),
        lambda: directory.clients.rotate_secret("zoe", bytes(32), NOW),
    ):
        with pytest.raises(UnknownClientError, match="zoe"):
            change()


def test_a_configured_client_can_be_logged_out(directory: Directory) -> None:
    """Epochs are kept of a client that only the configuration file knows."""
    shop = Subject.client("Shop-App")
    assert directory.subjects.epochs(shop) == Epochs()
    directory.subjects.end_logins(shop, NOW)
    assert directory.subjects.epochs(shop) == Epochs(1, 1)
    assert directory.standing(shop) is None
    assert news(directory) == [(NewsKind.CLIENT, "Shop-App"), (NewsKind.SUBJECT, "client:Shop-App")]
