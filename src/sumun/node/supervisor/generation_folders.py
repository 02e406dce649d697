"""The generations of one node on its disk: made, shown to those who read them, and taken away again."""

from __future__ import annotations

import grp
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sumun.config.plan import Plan
from sumun.haproxy.install import remove_old
from sumun.haproxy.program import Program
from sumun.haproxy.tls import PRIVATE_SUFFIX
from sumun.node.machine.folders import DataFolder
from sumun.node.machine.privileges import Account, show
from sumun.rollout.generation import Generation, prepare_generation

_KEPT = 5


@dataclass(frozen=True, slots=True)
class GenerationFolders:
    """`source` is the YAML, `account` whom HAProxy's workers and the parts become."""

    source: Path
    folder: DataFolder
    program: Program
    account: Account | None

    def install(self, plan: Plan, needed: Iterable[int] = ()) -> Generation:
        """The next generation, checked by HAProxy. Of those before, a few stay, and all that are `needed`."""
        account, folder = self.account, self.folder
        user, group = (account.name, grp.getgrgid(account.gid).gr_name) if account else ("", "")
        generation = prepare_generation(
            plan, self.source, folder.generations, folder.run, self.program, user, group
        )
        kept = range(generation.number - _KEPT, generation.number + 1)
        remove_old(folder.generations, {*kept, *needed})
        for path in (generation.folder, *generation.folder.iterdir()):
            if not path.name.endswith(PRIVATE_SUFFIX):
                show(path, account)
        return generation
