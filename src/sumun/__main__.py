"""`python -m sumun` is the `sumun` command."""

from __future__ import annotations

from sumun.cli.main import main

main()
