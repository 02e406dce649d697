"""Whatever a log holds, every line is replayed or counted under a reason; never an exception, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import NamedTemporaryFile

from hypothesis import given, settings
from hypothesis import strategies as st

from sumun.config import Plan, load
from sumun.explain.changed_calls import ChangedCalls, call_json, call_words
from sumun.explain.replay import Changed, Replay
from sumun.explain.shadows import in_force, told_by
from sumun.node.calls.log_lines import LONGEST_LINE, read_lines
from sumun.node.calls.replayed_callers import ReplayedCallers
from sumun.node.calls.replayed_log import judged_calls
from tests.golden.kinds import CATALOGUE

GOLDEN = Path(__file__).parents[1] / "golden"
LINES = [
    line for line in (GOLDEN / "explain" / "shop.log").read_bytes().splitlines() if line.startswith(b"{")
][:-1]
PLANS = [
    load(GOLDEN / "explain" / "shop.yaml", CATALOGUE),
    load(GOLDEN / "explain" / "shop_later.yaml", CATALOGUE),
    in_force(load(GOLDEN / "config" / "shadow.yaml", CATALOGUE)),
]
FIELDS = [*sorted(json.loads(LINES[0])), "shadow"]
WORDS = """
- / // /a /products /products/1 GET TRACE public internal operator ask.shop known.shop shadow.shop open.shop own refuse
user:bob client:batch root user: user:a|b shop-app batch opaque;user;;*:* jwt;;; opaque;;;;own ;;;; allow x/y
invalid_token insufficient_scope expired wrong_token_kind no_credential not_internal route_not_found
too_many_requests [::1]:80 a:b:c
"""
texts = st.sampled_from(WORDS.split()) | st.text(max_size=20)
values = texts | st.integers() | st.floats() | st.none() | st.lists(texts, max_size=2)
mutated = st.builds(
    lambda line, changes: json.dumps(json.loads(line) | changes).encode(),
    st.sampled_from(LINES),
    st.dictionaries(st.sampled_from(FIELDS), texts | values, max_size=4),
)
lines = st.one_of(mutated, st.binary(max_size=60), st.sampled_from(LINES), st.just(b"x" * (LONGEST_LINE + 1)))


@settings(max_examples=3 * settings().max_examples)
@given(st.lists(lines, max_size=8), st.sampled_from(PLANS), st.booleans())
def test_no_line_is_lost(written: list[bytes], plan: Plan, told: bool) -> None:
    """Each line, good or not, comes out once: the same, changed, or with the reason why not; and all can be printed."""
    judge = told_by if told else Replay(plan, ReplayedCallers(plan)).judge
    found = ChangedCalls()
    with NamedTemporaryFile() as file:
        file.write(b"\n".join(written))
        file.flush()
        count = len(list(read_lines(file.name)))
        for one in judged_calls([file.name], judge):
            if one is None:
                found.skip()
                continue
            found.add(*one)
            if isinstance(one[1], Changed):
                assert call_words(one[0], one[1])
                json.dumps(call_json(one[0], one[1]))
    summary = found.summary_json()
    assert summary["replayed"] + sum(summary["not_replayed"].values()) == count
    assert summary["changed"] == sum(group["calls"] for group in found.groups_json())
    assert found.summary_in_words()
    json.dumps(found.groups_json())
