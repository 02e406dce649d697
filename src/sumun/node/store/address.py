"""Where the store is, and as whom to talk to it."""

from __future__ import annotations

import os

from sumun.config.plan import Plan
from sumun.node.machine.folders import DataFolder
from sumun.node.machine.secret_refs import Secrets
from sumun.tokens.stores.valkey_link import ValkeyAddress

USER = "sumun"
"""Whom the embedded server knows."""


def store_address(plan: Plan, folder: DataFolder, secrets: Secrets) -> ValkeyAddress:
    """The embedded server, or the one that the configuration names."""
    if plan.node.store is not None:
        return ValkeyAddress(url=secrets.get(plan.node.store.source))
    password = read_password(folder)
    return ValkeyAddress(
        unix_socket=str(folder.valkey_socket),
        username=USER,
        password=password,
        disk=str(folder.valkey),
    )


def read_password(folder: DataFolder) -> str:
    """The embedded store's. Raises OSError, for a link too: root would show what it leads to to the store."""
    fd = os.open(folder.valkey_password, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(fd, encoding="ascii") as file:
        return file.read()
