"""Guessing is slowed: a wrong token waits a second for its 401 when its source, or all together, said many lately.

The question is asked and answered truthfully all the same, so whoever shares an address with a guesser (an office, a
broken program) is not concerned as long as his own token is good; and what is known is not even counted. A guesser's
connections are busy waiting, which leaves the gateway to the others: 250 sources on kept connections raised the p99 of
good calls threefold when they were answered at once, sevenfold when they were told 429 (`bench/junk_flood.py`).

A call without a token, or with a good one that may not, is no guess.
"""

from __future__ import annotations

from typing import Final

from sumun.config.plan import Limits
from sumun.haproxy.refusals import CODE
from sumun.haproxy.sections import Section, section

SOURCES: Final = "guesses"
TOGETHER: Final = "guesses.all"
WAIT_SECONDS: Final = 1

# So many sources may use up what each is free to say before everybody's wrong tokens wait.
_SOURCES_AT_ONCE: Final = 100
_WRONG_TOKEN: Final = f"{{ var({CODE}) -m str invalid_token }}"
_WAITS: Final = "txn.waits"
HAS_TO_WAIT: Final = f"{{ var({_WAITS}) -m bool }}"
"""The condition of an answer that has to wait (`http-request tarpit`)."""


def tables() -> list[Section]:
    """Who guessed lately. An IPv6 network of 64 bits is one source: whoever has one address has them all."""
    kept = "store gpc0,gpc0_rate(10s)"
    return [
        section(f"backend {SOURCES}", (f"stick-table type ipv6 size 100k expire 30s {kept}",)),
        section(f"backend {TOGETHER}", (f"stick-table type integer size 1 expire 30s {kept}",)),
    ]


def watch() -> list[str]:
    """How long a refusal waits."""
    return [f"timeout tarpit {WAIT_SECONDS}s"]


def count(limits: Limits) -> list[str]:
    """Behind the answer, when the call was not let through."""
    free = limits.wrong_tokens_per_source
    # The counters are those that `rates` uses for calls that were allowed.
    return [
        f"http-request track-sc1 int(1) table {TOGETHER} if {_WRONG_TOKEN}",
        f"http-request track-sc2 src,ipmask(32,64) table {SOURCES} if {_WRONG_TOKEN}",
        f"http-request sc-inc-gpc0(1) if {_WRONG_TOKEN}",
        f"http-request sc-inc-gpc0(2) if {_WRONG_TOKEN}",
        f"http-request set-var({_WAITS}) bool(true) if {_WRONG_TOKEN} {{ sc2_gpc0_rate gt {free} }}",
        f"http-request set-var({_WAITS}) bool(true) if {_WRONG_TOKEN} {{ sc1_gpc0_rate gt {free * _SOURCES_AT_ONCE} }}",
    ]
