"""The bounds, each with the reason for its default."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sumun.config.plan import Rate
from sumun.config.rates import RateOf
from sumun.config.values import Duration, Number, Section, Size


class LimitSettings(Section):
    """Bounds with a name."""

    header_size: Annotated[int, Size("4KiB", "64KiB")] = Field(
        16 << 10,
        description="The head of a request: request line and headers. Room for a token of the largest size twice over; "
        "HAProxy keeps a buffer of this size for every connection.",
        examples=["32KiB"],
    )
    token_size: Annotated[int, Size("256B", "32KiB")] = Field(
        8 << 10,
        description="A credential. Ours are at most 4 KiB; what is longer is refused unread.",
        examples=["4KiB"],
    )
    connections: Annotated[int, Number(10, 1_000_000)] = Field(
        4000,
        description="Connections of clients at once. Each takes two file descriptors and two buffers, and HAProxy does "
        "not start when the system allows fewer descriptors.",
        examples=["20000"],
    )
    client_timeout: Annotated[int, Duration("1s", "1h")] = Field(
        30_000,
        description="How long a client may be silent in the middle of a request or an answer.",
        examples=["1m"],
    )
    request_timeout: Annotated[int, Duration("100ms", "1m")] = Field(
        5000,
        description="How long the head of a request may take. Who sends a byte now and then holds a connection no "
        "longer than this.",
        examples=["10s"],
    )
    decision_timeout: Annotated[int, Duration("10ms", "10s")] = Field(
        500,
        description="How long a decision may take before the caller is told 503. A thousand times what one takes; "
        "longer makes an outage slower, and is for a store that is far away or a machine that is often busy: one "
        "command to the store may take half of it, at least 250 ms.",
        examples=["1s"],
    )
    old_workers: Annotated[int, Number(1, 100)] = Field(
        8,
        description="Old HAProxy workers at once: after a reload that needs a new one, the worker before lives on for "
        "what is open there. Beyond this the oldest is ended, and its streams with it. Some 20 MB each, and their "
        "connections.",
        examples=["20"],
    )
    old_worker_lifetime: Annotated[int, Duration("1s", "24h")] = Field(
        900_000,
        description="How long an old worker may live on. As long as a token lives by default, when its streams end "
        "anyway.",
        examples=["1h"],
    )
    password_checks_at_once: Annotated[int, Number(1, 64)] = Field(
        2,
        description="Passwords checked at the same time. Each takes one core for some 20 ms and 19 MiB (Argon2id), so "
        "as many as the cores to be spared.",
        examples=["4"],
    )
    password_checks_waiting: Annotated[int, Number(0, 10_000)] = Field(
        64,
        description="Logins that wait for their check; the next one is told 503. With two at once the last of 64 "
        "waits about a second.",
        examples=["200"],
    )
    login_failures_per_account_and_source: Annotated[int, Number(1, 1000)] = Field(
        10,
        description="Wrong passwords for one account from one address within `login_window`, then 429. Another address "
        "is not concerned, so nobody can lock somebody else out.",
        examples=["5"],
    )
    login_failures_total: Annotated[int, Number(10, 1_000_000)] = Field(
        1000,
        description="Wrong passwords in all within `login_window`, then 429: guessing from many addresses has an end.",
        examples=["200"],
    )
    wrong_tokens_per_source: Annotated[int, Number(1, 1_000_000)] = Field(
        20,
        description="Wrong tokens from one address within ten seconds that are refused at once; for each one more the "
        "refusal takes a second, so that guessing is slow; and a hundred times as many from all together. Good tokens "
        "are not concerned. A page that loads twenty things with an expired token makes twenty.",
        examples=["100"],
    )
    login_window: Annotated[int, Duration("1s", "24h", seconds=True)] = Field(
        300, description="How long a wrong password counts.", examples=["15m"]
    )
    waiting_per_source: Annotated[int, Number(10, 10_000_000)] = Field(
        5000,
        description="Logins, authorization requests and codes for devices that one address (an IPv6 network of 64 "
        "bits) may begin within 20 minutes, for so long they wait in the store; then 429. Behind a proxy all callers "
        "have one address.",
        examples=["50000"],
    )
    waiting_total: Annotated[int, Number(10, 10_000_000)] = Field(
        50_000,
        description="The same from all addresses together, at all nodes. One takes half a KiB, and 16 when somebody "
        "means harm.",
        examples=["500000"],
    )
    per_source: Annotated[Rate, RateOf()] | None = Field(
        None,
        description="How often one address (an IPv6 network of 64 bits) may call on the public listener, whatever it "
        "calls; before anything else is looked at.",
        examples=["100/s burst 200"],
        json_schema_extra={"without": "no limit"},
    )
    per_person: Annotated[Rate, RateOf()] | None = Field(
        None,
        description="How often one person may call protected routes, by all their tokens together.",
        examples=["20/s burst 100"],
        json_schema_extra={"without": "no limit"},
    )
    per_client: Annotated[Rate, RateOf()] | None = Field(
        None,
        description="How often one OAuth client may call protected routes, for itself and for all its people together.",
        examples=["6000/min"],
        json_schema_extra={"without": "no limit"},
    )
