"""What the account of the parts is given, and what it cannot take."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sumun.node.machine.privileges import Account, ClosedWayError, give_all_in, refuse_closed_way, share

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give anything away")
ACCOUNT = Account("somebody", 65533, 65533)
_TRY = "import os, sys; os.setgroups([]); os.setresgid(*[65533] * 3); os.setresuid(*[65533] * 3); exec(sys.argv[1])"


def _refused(attempt: str, where: Path) -> bool:
    """Whether the account is refused this attempt, made in this folder."""
    done = subprocess.run(
        [sys.executable, "-c", _TRY, attempt], cwd=where, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or "Error" in done.stderr, done.stderr
    return done.returncode != 0


@ROOT
def test_a_shared_folder_and_what_is_roots_in_it_stay(tmp_path: Path) -> None:
    """The account makes files in a shared folder; it can move neither a folder shared in it nor what is root's there."""
    outer, inner = tmp_path / "outer", tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    os.chown(inner, ACCOUNT.uid, ACCOUNT.gid)  # as an older version left it
    (inner / "ours").write_text("")
    share(outer, ACCOUNT)
    share(inner, ACCOUNT)
    assert not _refused("open('inner/theirs', 'w'); os.rename('inner/theirs', 'inner/other')", outer)
    assert _refused("os.rename('inner', 'away')", outer)
    assert _refused("os.rename('inner/ours', 'inner/away')", outer)
    assert _refused("os.unlink('inner/ours')", outer)


@ROOT
def test_a_link_is_not_shared(tmp_path: Path) -> None:
    """What a link leads to is not given away."""
    (tmp_path / "precious").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("precious")
    with pytest.raises(OSError, match="link"):
        share(tmp_path / "link", ACCOUNT)
    assert (tmp_path / "precious").stat().st_gid == 0


@ROOT
def test_what_links_lead_to_is_not_given(tmp_path: Path) -> None:
    """Everything in a folder is given, links themselves too; what they lead to is not, and a link is no folder."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("")
    (tmp_path / "theirs" / "below").mkdir(parents=True)
    (tmp_path / "theirs" / "below" / "file").write_text("")
    (tmp_path / "theirs" / "below" / "link").symlink_to(tmp_path / "precious")
    (tmp_path / "way").symlink_to("precious")
    give_all_in(tmp_path / "theirs", ACCOUNT)
    give_all_in(tmp_path / "way", ACCOUNT)
    assert (tmp_path / "theirs" / "below" / "file").stat().st_uid == ACCOUNT.uid
    assert (tmp_path / "theirs" / "below" / "link").lstat().st_uid == ACCOUNT.uid
    assert {(tmp_path / "precious").stat().st_uid, (tmp_path / "precious" / "file").stat().st_uid} == {0}


def test_a_folder_that_the_account_may_not_enter_is_named(tmp_path: Path) -> None:
    """The first closed one on the way, and how to open it; without an account there is nothing to refuse."""
    tmp_path.chmod(0o711)
    closed = tmp_path / "closed"
    (closed / "data").mkdir(parents=True)
    closed.chmod(0o700)
    if any(not above.stat().st_mode & 0o001 for above in tmp_path.parents):
        closed = next(above for above in reversed(tmp_path.parents) if not above.stat().st_mode & 0o001)
    with pytest.raises(ClosedWayError, match=re.escape(f"may not enter {closed};")):
        refuse_closed_way(tmp_path / "closed" / "data", ACCOUNT)
    refuse_closed_way(tmp_path / "closed" / "data", None)
    refuse_closed_way(Path("/tmp/not/there/yet"), ACCOUNT)
