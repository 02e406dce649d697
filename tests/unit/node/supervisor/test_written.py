"""What of a configuration was written since it was read."""

from __future__ import annotations

from pathlib import Path

from sumun.config import load
from sumun.login.kinds import KINDS
from sumun.node.supervisor.written import Written
from sumun.plugins import Catalogue

CONFIG = """
listen: 127.0.0.1:8443
tls:
  certificates: [{chain: gate.pem, key: gate.key}]
  client_certificates: {authorities: authorities.pem, revoked: revoked.pem}
services:
  items: {url: http://127.0.0.1:9101}
routes:
  - {path: /items, service: items}
"""
FILES = ("sumun.yaml", "gate.pem", "gate.key", "authorities.pem", "revoked.pem")


def test_every_file_of_tls_counts(tmp_path: Path) -> None:
    """One that is written looks different and is to be read, once; a file that nobody names is not looked at."""
    for name in FILES:
        (tmp_path / name).write_text("one")
    (tmp_path / "sumun.yaml").write_text(CONFIG)
    source = tmp_path / "sumun.yaml"
    written = Written(source)
    assert written.is_new()

    def read() -> None:
        written.is_to_be_read()
        written.names(load(source, Catalogue(KINDS)))

    read()
    assert not written.is_new()
    (tmp_path / "other.pem").write_text("two")
    assert not written.is_new()
    for name in FILES:
        before = written.looks()
        (tmp_path / name).write_text(CONFIG + "# two\n")
        assert written.looks() != before
        assert written.is_new()
        read()
        assert not written.is_new()


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    """Its absence is news, and its coming back."""
    source = tmp_path / "sumun.yaml"
    source.write_text(CONFIG)
    written = Written(source)
    written.is_to_be_read()
    written.names(load(source, Catalogue(KINDS)))
    (tmp_path / "gate.pem").write_text("one")
    assert written.is_new()
