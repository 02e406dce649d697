"""Who has used up a quota, and how HAProxy's counts are read."""

from __future__ import annotations

import pytest

from sumun.haproxy.count_commands import read_counts
from sumun.haproxy.errors import RuntimeSocketError
from sumun.keeper.quotas import DAY_SECONDS, Used, rows

QUOTAS = {"app": 10, "jobs": 1000}


def test_who_has_used_it_up_is_refused_until_midnight() -> None:
    """A client is in the map from the call that reaches its quota on, until the day ends in UTC; others are not."""
    used = {"app": Used(10, 20_000), "jobs": Used(999, 20_000), "other": Used(5000, 20_000)}
    assert rows(QUOTAS, used) == (("app", f"{20_001 * DAY_SECONDS}|10"),)


def test_who_was_not_counted_is_not_refused() -> None:
    """A client of which the store said nothing is not in the map."""
    assert rows(QUOTAS, {}) == ()


SHOWN = """\
# table: limits.client, type: string, size:204800, used:2
0x55d5: key=shop-app use=0 gpc0=12 gpc0_rate(60000)=3
0x55d6: key=a.b_c@d+e use=1 exp=9992 shard=0 gpc0=4294967295

"""


@pytest.mark.parametrize(
    ("answer", "counts"),
    [
        ("# table: limits.client, type: string, size:204800, used:0\n\n", {}),
        (SHOWN, {"shop-app": 12, "a.b_c@d+e": 4294967295}),
        ("No such table\n", None),
    ],
)
def test_counts_are_read(answer: str, counts: dict[str, int] | None) -> None:
    """The counts of both versions of HAProxy are read; a worker without the table counts nothing."""
    assert read_counts(answer) == counts


@pytest.mark.parametrize(
    "answer", ["", "Permission denied\n", "# table: guesses, type: ipv6, size:1, used:0\n"]
)
def test_another_answer_is_an_error(answer: str) -> None:
    """What is no answer to the question is never taken for "nobody called"."""
    with pytest.raises(RuntimeSocketError):
        read_counts(answer)
