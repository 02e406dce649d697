"""`python -m sumun` is the `sumun` command."""

from sumun.cli.main import main

main()
