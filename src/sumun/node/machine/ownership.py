"""Whose the data folder's files are at a start: what the parts write is the account's, what root reads stays root's."""

from __future__ import annotations

import os
import secrets

from sumun.node.machine.folders import DataFolder, clean_run_folder, unusable
from sumun.node.machine.privileges import Account, give, share, show


def claim(folder: DataFolder, account: Account | None) -> None:
    """The folders are ours, the account may only make files in them, and the run folder is empty. The outer first."""
    try:
        for shared in (folder.root, folder.run, folder.valkey):
            share(shared, account)
        clean_run_folder(folder)
        show(folder.metrics, account)
    except OSError as error:
        raise unusable(folder.root, error) from error


def hand_over(folder: DataFolder, account: Account | None) -> None:
    """The parts run as this account: what they write is theirs. What HAProxy's master reads stays ours."""
    node_id = folder.root / "node-id"
    if not node_id.exists():
        node_id.write_text(f"node-{secrets.token_hex(4)}\n")
    os.close(os.open(folder.database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    life = os.open(folder.life, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(life, "w") as file:
        file.write(secrets.token_hex(4))
    for path in folder.root.glob(f"{folder.database.name}*"):
        give(path, account)
    show(folder.generations, account)
