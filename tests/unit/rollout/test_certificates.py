"""The files of TLS: what is wrong with them is told where the configuration names them; what is right goes to HAProxy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from sumun.config import Plan, load
from sumun.login.kinds import KINDS
from sumun.plugins import Catalogue
from sumun.rollout.certificates import Material, read_material
from tests.certificates import Certificate

CONFIG = """
listen: 127.0.0.1:8443
tls:
  certificates: [{chain: gate.pem, key: gate.key}]
  client_certificates: {authorities: authorities.pem}
services:
  items: {url: http://127.0.0.1:9101}
routes:
  - {path: /items, service: items}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration with good files beside it."""
    (tmp_path / "sumun.yaml").write_text(CONFIG)
    authority = Certificate.authority()
    authority.issue("gate").write(tmp_path, "gate")
    (tmp_path / "authorities.pem").write_text(authority.pem())
    return tmp_path


def plan_of(folder: Path) -> Plan:
    """The plan of the folder's configuration."""
    return load(folder / "sumun.yaml", Catalogue(KINDS))


def material(folder: Path, later: timedelta = timedelta()) -> Material:
    """What is found, now or later."""
    return read_material(plan_of(folder), datetime.now(UTC) + later)


def test_good_files(folder: Path) -> None:
    """Chain and key go into one file, the authorities into another, and nothing is said."""
    found = material(folder)
    assert (found.problems, found.outlived, found.notes) == ((), (), ())
    texts = {file.name: file.text() for file in found.files}
    assert texts == {
        "public.0.key.pem": (folder / "gate.pem").read_text() + (folder / "gate.key").read_text(),
        "public.authorities.pem": (folder / "authorities.pem").read_text(),
    }


def test_key_and_chain_in_one_file(folder: Path) -> None:
    """A file that holds both is enough, in whatever order, with words in between."""
    both = (folder / "gate.key").read_text() + "\nBag Attributes\n" + (folder / "gate.pem").read_text()
    (folder / "gate.pem").write_text(both)
    (folder / "sumun.yaml").write_text(CONFIG.replace(", key: gate.key", ""))
    found = material(folder)
    assert found.problems == ()
    assert "Bag" not in found.files[0].text()


def intermediate(folder: Path) -> None:
    root = Certificate.authority("root")
    leaf = Certificate.authority("below", by=root).issue("gate").write(folder, "gate")
    below, first = leaf.chain[0], leaf.certificate
    wrong = replace(leaf, certificate=below, chain=(first,))
    (folder / "gate.pem").write_text(wrong.pem())


WRONG: dict[str, Callable[[Path], object]] = {
    "gate.pem cannot be read: No such file or directory": lambda at: (at / "gate.pem").unlink(),
    "gate.key cannot be read: No such file or directory": lambda at: (at / "gate.key").unlink(),
    "gate.pem holds no certificate that can be read": lambda at: (at / "gate.pem").write_text("nothing"),
    "gate.key holds no private key": lambda at: (at / "gate.key").write_text((at / "gate.pem").read_text()),
    "the private key in": lambda at: (at / "gate.key").write_text(
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    ),
    "has a passphrase": lambda at: (at / "gate.key").write_text(Certificate.self_signed().key_pem("secret")),
    "does not belong to the certificate": lambda at: (at / "gate.key").write_text(
        Certificate.self_signed().key_pem()
    ),
    "a later one is": intermediate,
    "gate.pem is larger than 1 MiB": lambda at: (at / "gate.pem").write_text("x" * (1 << 20) + "x"),
    "authorities.pem holds no certificate": lambda at: (at / "authorities.pem").write_text(""),
}


@pytest.mark.parametrize("said", WRONG)
def test_wrong_files(folder: Path, said: str) -> None:
    """A file that HAProxy could not start with is a problem at the place that names it, in words without its content."""
    WRONG[said](folder)
    (problem,) = material(folder).problems
    assert said in problem.what
    assert problem.place.line in (4, 5)
    assert "AAAA" not in problem.what


@pytest.mark.parametrize(
    ("later", "said"),
    [(timedelta(days=31), "ran out on"), (timedelta(days=-2), "is not good before")],
)
def test_outlived(folder: Path, later: timedelta, said: str) -> None:
    """A certificate that ran out, or is not good yet, is no reason for a gateway not to run, but an error to `check`."""
    found = material(folder, later)
    assert found.problems == ()
    assert [said in one.what for one in found.outlived] == [True, True]
    assert len(found.files) == 2


def with_lists(folder: Path, lists: str) -> Material:
    """What is found with these lists, of an authority that is known by the name `other` too."""
    (folder / "sumun.yaml").write_text(
        CONFIG.replace("authorities.pem", "authorities.pem, revoked: lists.pem")
    )
    (folder / "lists.pem").write_text(lists)
    return material(folder)


def test_revoked(folder: Path) -> None:
    """Lists go to HAProxy; one that is missing, another's or damaged is a problem, one that ran out is outlived."""
    authority, other = Certificate.authority("one"), Certificate.authority("one")
    (folder / "authorities.pem").write_text(authority.pem())
    found = with_lists(folder, authority.revoked(Certificate.self_signed()))
    assert (found.problems, found.outlived) == ((), ())
    assert "public.revoked.pem" in [file.name for file in found.files]
    for lists, said in (
        ("", "has no list of CN=one"),
        (other.revoked(), "has no list of CN=one"),
        ("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", "holds a list that cannot be read"),
    ):
        (problem,) = with_lists(folder, lists).problems
        assert said in problem.what
    (late,) = with_lists(folder, authority.revoked(days=-0.5)).outlived
    assert "it vouches for nobody now" in late.what


def test_soon(folder: Path) -> None:
    """Two weeks before its end a certificate has a note, ours and an authority."""
    assert ["runs out on" in note.text for note in material(folder, timedelta(days=17)).notes] == [True] * 2


def test_another_name(folder: Path) -> None:
    """A gateway whose certificates are all for other hosts than its issuer's has a note; a `*.` covers one label."""
    authority = Certificate.authority()
    for name, notes in (("gate.example.com", 0), ("*.example.com", 0), ("*.com", 1), ("example.com", 1)):
        authority.issue("gate", names=[x509.DNSName(name)]).write(folder, "gate")
        (folder / "sumun.yaml").write_text(f"issuer: https://gate.example.com\n{CONFIG}")
        assert len(material(folder).notes) == notes, name
