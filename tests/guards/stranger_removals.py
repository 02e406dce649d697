"""The guards against what strangers may have us keep, show and do, and the test of each."""

from __future__ import annotations

from tests.guards.removal import Removal

STRANGERS = "tests/conversations/oauth/test_strangers.py"
REGISTER = "tests/conversations/oauth/test_register.py"
DEVICE = "tests/conversations/oauth/test_device.py"
PAGES = "tests/conversations/oauth/test_page_attacks.py"
STRICTNESS = "tests/unit/tokens/test_strictness.py"
GATE = "tests/unit/haproxy/test_gate.py"

STRANGER_REMOVALS = (
    Removal(
        "the store is filled with logins that nobody means to finish",
        "oauth/strangers.py",
        "if isinstance(counted, RateLimited):",
        "if counted is None:",
        f"{STRANGERS}::test_one_address",
    ),
    Removal(
        "open redirect: a link to our logout leads where a stranger registered",
        "oauth/endpoints/logout.py",
        "registered_itself(asked.client) and not somebody",
        "False",
        f"{REGISTER}::test_no_open_redirect",
    ),
    Removal(
        "a private-use scheme passes for a host",
        "oauth/endpoints/consent.py",
        'return parts.netloc if parts.scheme in ("http", "https") else f"{parts.scheme}:"',
        "return parts.netloc",
        f"{REGISTER}::test_where_it_leads",
    ),
    Removal(
        "a client has every node told of its changes without a pause",
        "oauth/endpoints/register.py",
        'await self._count(f"changes of {before.id}", request)',
        "pass",
        f"{REGISTER}::test_changes_are_counted",
    ),
    Removal(
        "codes of devices are guessed by decisions",
        "oauth/endpoints/device.py",
        "looked = await self._looked_up(request, session, user_code)\n        if isinstance(looked, RateLimited):",
        "looked = await self._looked_up(request, session, user_code)\n        if looked is False:",
        f"{DEVICE}::test_guessing_by_decisions",
    ),
    Removal(
        "consent to more than the page showed",
        "oauth/endpoints/consent.py",
        "form.get(ABOUT) != about.digest",
        "False",
        f"{PAGES}::test_only_what_was_shown_is_granted",
    ),
    Removal(
        "half of a surrogate pair",
        "tokens/strict_json.py",
        "if _HALF.search(data):",
        "if False:",
        f"{STRICTNESS}::test_json_refuses",
    ),
    Removal(
        "an overlong encoding of a slash",
        "config/canonical.py",
        'f"|[Ee](?:0%[ABab]{_HEX}|',
        'f"|[Ee](?:0%[89ABab]{_HEX}|',
        f"{GATE}::test_path",
    ),
)
