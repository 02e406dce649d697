"""sumun (수문, the gate): an API gateway that knows who is calling, and whether they may.

HAProxy enforces, Python decides, Valkey remembers. Folders are named for what the product does, and imports go one way,
from the top of this list to the bottom (`.importlinter` holds the exact contract, `make lint` checks it):

    cli                                  the sumun command
    node                                 one running node: assemble, supervise, run
    admin, console, oauth, answers       the four faces: operator's API, web pages, OAuth server, HAProxy's questions
    rollout, login                       bring a new plan to life; prove who someone is
    haproxy, directory, tokens           HAProxy's files and process; people and clients; a token's life
    config                               the operator's YAML -> one checked, immutable Plan
    access, audit                        routes, permissions and the one function that decides; the record for people
    identity, plugins, spop, telemetry   words for who; how parts are found; HAProxy's wire protocol; logs and metrics
    errors                               the root of every error
"""

from __future__ import annotations

__version__ = "0.1.0.dev0"
