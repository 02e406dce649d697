"""Where the store is, and as whom to talk to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sumun.node.machine.folders import open_data_folder
from sumun.node.store.address import read_password


def test_the_stores_password_is_not_read_through_a_link(tmp_path: Path) -> None:
    """What is read as a password is sent to the store: no other file may be put in its place."""
    folder = open_data_folder(tmp_path / "data")
    (tmp_path / "secret").write_text("root's own")
    folder.valkey_password.symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match=r"valkey\.password"):
        read_password(folder)
