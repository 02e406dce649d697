"""A node's data, opened from the command line: whether the node runs or not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sumun.config import wire
from sumun.node.assemble.shared import Shared, open_shared
from sumun.node.errors import NodeError
from sumun.node.machine.folders import DataFolder, node_id
from sumun.node.machine.secret_refs import Secrets
from sumun.node.store.address import store_address
from sumun.rollout.generation import PLAN_FILE
from sumun.tokens.stores.valkey_link import ValkeyAddress


@asynccontextmanager
async def open_for_operator(data: Path) -> AsyncIterator[Shared]:
    """What people, clients, tokens and keys are changed with. Raises SumunError."""
    folder = DataFolder(data)
    if not folder.is_ours():
        raise NodeError(f"{folder.root} is not a data folder of sumun; name it with --data (or SUMUN_DATA)")
    plan_file = folder.current / PLAN_FILE
    if not plan_file.is_file():
        raise NodeError(
            f"{folder.root} has no configuration yet: start the gateway once with `sumun run --data ...`"
        )
    plan = wire.load(plan_file.read_bytes())
    secrets = Secrets.of_storage(plan)
    address = ValkeyAddress(unix_socket=str(folder.valkey_socket))
    if plan.node.store is not None or folder.valkey_password.exists():
        address = store_address(plan, folder, secrets)
    async with open_shared(plan, folder, node_id(folder), secrets, address) as shared:
        yield shared
