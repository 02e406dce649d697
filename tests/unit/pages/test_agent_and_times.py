"""What is said of browsers and of times."""

from __future__ import annotations

import pytest

from sumun.pages.agent import described
from sumun.pages.times import ago, iso


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", ("Firefox", "Linux")),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36 Edg/141.0",
            ("Edge", "Windows"),
        ),
        (
            "Mozilla/5.0 (Linux; Android 15; SM-S931N) AppleWebKit/537.36 SamsungBrowser/28.0 Chrome/130.0 Mobile",
            ("Samsung Internet", "Android"),
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.5 Safari/605.1.15", ("Safari", "macOS")),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) CriOS/141 Mobile", ("Chrome", "iPhone")),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Whale/4.29 Safari/537.36", ("Whale", "Windows")),
        ("", ("", "")),
        ("<script>", ("", "")),
    ],
)
def test_a_browser_by_its_names(agent: str, said: tuple[str, str]) -> None:
    """A browser that claims to be others too is called by its own name; what we do not know is called nothing."""
    assert described(agent) == said


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (-5, ("now", 0)),
        (59, ("now", 0)),
        (60, ("minutes", 1)),
        (3_599, ("minutes", 59)),
        (7_200, ("hours", 2)),
        (86_400, ("days", 1)),
        (86_400 * 45, ("months", 1)),
        (86_400 * 800, ("years", 2)),
    ],
)
def test_how_long_ago(passed: float, said: tuple[str, int]) -> None:
    """Whole units, rounded down; a clock that runs ahead says now."""
    assert ago(1_000_000_000.0 - passed, 1_000_000_000.0) == said


def test_the_moment_itself() -> None:
    """The attribute says the moment in UTC."""
    assert iso(0) == "1970-01-01T00:00:00Z"
