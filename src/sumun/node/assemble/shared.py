"""What every process of a node has open: directory, stores, changes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from sumun.changes import Changes
from sumun.config.plan import Plan
from sumun.directory import Directory, DirectoryThreads
from sumun.node.assemble.stores import Stores, open_stores
from sumun.node.directory.beginning import directory_location
from sumun.node.directory.signing import LONGEST_CLAIMS_LIFE_SECONDS
from sumun.node.directory.truth import DirectoryTruth
from sumun.node.in_force import InForce
from sumun.node.machine.folders import DataFolder
from sumun.node.machine.secret_refs import Secrets
from sumun.tokens.stores.valkey_link import ValkeyAddress


@dataclass(frozen=True, slots=True)
class Shared:
    """`address` is where the stores are."""

    in_force: InForce
    directory: Directory
    threads: DirectoryThreads
    truth: DirectoryTruth
    stores: Stores
    changes: Changes
    address: ValkeyAddress = field(repr=False)


@asynccontextmanager
async def open_shared(
    plan: Plan, folder: DataFolder, node: str, secrets: Secrets, address: ValkeyAddress
) -> AsyncIterator[Shared]:
    """Open the directory and the stores. Raises DirectoryUnusableError, DirectoryUnavailableError."""
    in_force = InForce(plan)
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(Directory.open(directory_location(plan, folder, secrets)))
        threads = DirectoryThreads()
        stack.push_async_callback(threads.close)
        stores = await stack.enter_async_context(open_stores(address, in_force.store_deadline_seconds))
        changes = Changes(
            directory,
            threads,
            stores.tokens,
            stores.feed,
            stores.sessions,
            stores.farewells,
            node=node,
            clock=time.time,
            claims_live_seconds=LONGEST_CLAIMS_LIFE_SECONDS,
            configured_clients=in_force.configured_clients,
        )
        truth = DirectoryTruth(directory, threads, time.time)
        yield Shared(in_force, directory, threads, truth, stores, changes, address)
