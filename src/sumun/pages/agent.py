"""What a browser calls itself (User-Agent, RFC 9110 10.1.5), made short. A hint for people, evidence of nothing."""

from __future__ import annotations

# The first that is found names it: each browser also claims to be those below it.
_BROWSERS = (
    ("SamsungBrowser/", "Samsung Internet"),
    ("Whale/", "Whale"),
    ("KAKAOTALK", "KakaoTalk"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def described(agent: str) -> tuple[str, str]:
    """(browser, system), each empty when it is none that we know."""
    return (
        next((name for mark, name in _BROWSERS if mark in agent), ""),
        next((name for mark, name in _SYSTEMS if mark in agent), ""),
    )
