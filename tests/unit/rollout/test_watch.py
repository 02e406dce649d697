"""When a configuration that was written counts as written: what stands still, once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sumun.rollout.watch import LONGEST_PAUSE_SECONDS, Watch

OLD, NEW, GONE = ({"sumun.yaml": look} for look in ((1, 1, 10, 1, 1), (1, 2, 12, 2, 2), None))


def test_what_stands_still_is_read_once() -> None:
    """Not at the first look, when a writer may be in the middle of it; then once, however often it is looked at."""
    watch = Watch()
    assert [watch.saw(look) for look in (OLD, OLD, OLD, NEW, NEW, NEW, NEW)] == [
        False,
        True,
        False,
        False,
        True,
        False,
        False,
    ]


def test_a_file_that_is_gone_gets_longer() -> None:
    """An editor takes it away for a moment: nothing is read then, and what comes back is."""
    watch = Watch()
    assert [watch.saw(look) for look in (OLD, OLD, GONE, GONE, GONE, NEW, NEW)] == [
        False,
        True,
        *[False] * 4,
        True,
    ]
    assert [watch.saw(GONE) for _ in range(8)].count(True) == 1


@given(st.lists(st.sampled_from((OLD, NEW, GONE))))
def test_the_last_version_is_always_read(looks: list[dict[str, tuple[int, ...] | None]]) -> None:
    """Whatever happened before, a version that stays is read: exactly once since it came."""
    watch = Watch()
    for look in looks:
        watch.saw(look)
    last = {"sumun.yaml": (3, 3, 3, 3, 3)}
    assert [watch.saw(last) for _ in range(5)] == [False, True, False, False, False]


def test_what_is_not_to_blame_is_read_again() -> None:
    """A failure that does not stand in the file is tried again, ever more seldom."""
    watch = Watch()
    pauses = []
    for _ in range(9):
        assert [watch.saw(NEW) for _ in range(2)] == [False, True]
        pauses.append(watch.failed())
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_SECONDS
