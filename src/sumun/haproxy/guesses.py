"""Guessing is slowed, by source: a wrong token from an address that said many lately waits a second for its 401.

The question is asked and answered truthfully all the same, so whoever shares an address with a guesser (an office, a
broken program) is not concerned as long as his own token is good; and what is known is not even counted. A guesser's
connections are busy waiting, which leaves the gateway to the others: 250 sources on kept connections raised the p99 of
good calls threefold when they were answered at once, fivefold when they were told 429 (`bench/junk_flood.py`).

A call without a token, or with a good one that may not, is no guess.
"""

from __future__ import annotations

from typing import Final

from sumun.config.plan import Limits
from sumun.haproxy.refusals import CODE
from sumun.haproxy.sections import Section, section

TABLE: Final = "guesses"
WAIT_SECONDS: Final = 1

_WRONG_TOKEN: Final = f"{{ var({CODE}) -m str invalid_token }}"


def table() -> Section:
    """Who guessed lately. An IPv6 network of 64 bits is one source: whoever has one address has them all."""
    return section(
        f"backend {TABLE}", ("stick-table type ipv6 size 100k expire 30s store gpc0,gpc0_rate(10s)",)
    )


def watch() -> list[str]:
    """Before the question: whose guesses are counted."""
    return [f"timeout tarpit {WAIT_SECONDS}s", f"http-request track-sc2 src,ipmask(32,64) table {TABLE}"]


def too_many(limits: Limits) -> str:
    """The condition of an answer that has to wait (`http-request tarpit`)."""
    return f"{_WRONG_TOKEN} {{ sc2_gpc0_rate gt {limits.wrong_tokens_per_source} }}"


def count() -> str:
    """Behind the answer, when the call was not let through."""
    return f"http-request sc-inc-gpc0(2) if {_WRONG_TOKEN}"
