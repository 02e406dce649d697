"""sumun (수문, the gate): an API gateway that knows who is calling, and whether they may.

HAProxy enforces, Python decides, Valkey remembers. Folders are named for what the product does, and imports go one way,
from the top of this list to the bottom (`.importlinter` holds the exact contract, `make lint` checks it):

    cli                                  the sumun command
    demo                                 the shop of `make demo`
    node                                 one running node: assemble, supervise, run
    oauth, answers                       the faces: OAuth server and pages, HAProxy's questions
    keeper, rollout, login               what HAProxy may know; bring a new plan to life; prove who someone is
    changes, recognition                 make a change and announce it; a credential -> who that is
    sessions                             who is logged in with which browser
    haproxy, directory, tokens, explain  HAProxy's files and process; people and clients; a token's life; why, in words
    pages                                what a person sees, in English and Korean
    config                               the operator's YAML -> one checked, immutable Plan
    access, audit                        routes, permissions and the one function that decides; the record for people
    identity, plugins, spop, telemetry   words for who; how parts are found; HAProxy's wire protocol; logs and metrics
    errors                               the root of every error
"""

from __future__ import annotations

__version__ = "0.1.0.dev0"
