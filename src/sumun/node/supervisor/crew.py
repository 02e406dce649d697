"""The parts of a node, in the order in which they were started, and how those of our own are started."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from contextlib import AsyncExitStack

from sumun.node.machine.folders import DataFolder
from sumun.node.processes.part import Part, PartSpec

_OURS = ("http", "answer", "keeper")


def own_part(
    kind: str, folder: DataFolder, generation: int, index: int | None = None, older: Iterable[int] = ()
) -> PartSpec:
    """A program of `node/parts`. `older`: generations that are still asked under."""
    arguments = ["--data", str(folder.root), "--generation", str(generation)]
    for number in sorted(older):
        arguments += ["--older", str(number)]
    if index is not None:
        arguments += ["--index", str(index)]
    return PartSpec(
        name=kind if index is None else f"{kind}-{index}",
        # -P: nothing is imported from the folder that we happen to be started in.
        argv=[sys.executable, "-P", "-m", f"sumun.node.parts.{kind}", *arguments],
        environment={"PROMETHEUS_MULTIPROC_DIR": str(folder.metrics), "PYTHONUNBUFFERED": "1"},
    )


class Crew:
    """All parts that were started."""

    def __init__(self, folder: DataFolder, output: int | None) -> None:
        """`output` is the file descriptor for their logs; None: our standard error."""
        self.folder = folder
        self.parts: list[Part] = []
        self._output = output

    async def start(self, stack: AsyncExitStack, *specs: PartSpec) -> None:
        """Start parts, all at once; `stack` stops them, the last first.

        Raises PartFailedError, when the others are told to stop starting.
        """
        parts = [Part(spec, self._output) for spec in specs]
        for part in parts:
            self.parts.append(part)
            stack.push_async_callback(part.stop)
        starting = [asyncio.create_task(part.start(), name=f"start {part.spec.name}") for part in parts]
        try:
            await asyncio.gather(*starting)
        finally:
            for one in starting:
                one.cancel()
            await asyncio.gather(*starting, return_exceptions=True)

    def ours(self) -> list[Part]:
        """Those that learn generations."""
        return [part for part in self.parts if part.spec.name.startswith(_OURS)]

    def begin_with(self, generation: int, older: Iterable[int]) -> None:
        """A part that is started again from now on begins with these generations."""
        for part in self.ours():
            kind, _, index = part.spec.name.partition("-")
            part.spec = own_part(kind, self.folder, generation, int(index) if index else None, older)
