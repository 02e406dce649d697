"""The measurements of `make bench` still run. What they find is not judged here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.demo_node import REPOSITORY

BENCHES = sorted(Path(REPOSITORY, "bench").glob("*.py"))
FEW = "--rounds 1 --seconds 1"
SHORTEST = {
    "gateway": f"{FEW} --tokens 500 --once 60000 --once-jwt 20000 --out FOLDER",
    "half_load": f"{FEW} --once 90000 --once-jwt 30000 --out FOLDER",
    "issue": FEW,
    "junk_flood": "--spells 1 --seconds 1",
    "limits": FEW,
    "recognise": "",
    "replay": "--calls 20000",
    "routes": FEW,
    "spop_codec": "--seconds 1",
}


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench.stem)
def test_each_bench_runs(bench: Path, tmp_path: Path) -> None:
    """Each script of bench/ ends well on the least that it can be asked for."""
    words = SHORTEST[bench.stem].replace("FOLDER", str(tmp_path)).split()
    done = subprocess.run(
        [sys.executable, str(bench), *words],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
