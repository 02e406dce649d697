"""The guards around refresh tokens, token exchange and resources, and the test of each."""

from __future__ import annotations

from tests.guards.removal import Removal

REFRESH = "tests/conversations/oauth/test_refresh.py"
ISSUED = "tests/conversations/oauth/test_issued_under.py"
RESOURCES = "tests/conversations/oauth/test_resources.py"
EXCHANGE = "tests/conversations/oauth/test_token_exchange.py"

REFRESH_REMOVALS = (
    # Refresh tokens (RFC 9700 4.14)
    Removal(
        "refresh replay: a used token is good for ever",
        "oauth/grants/refreshing.py",
        "if used_at_ms is None or now_ms - used_at_ms <= self._settings.overlap_seconds * 1000:",
        "if used_at_ms is None or now_ms >= used_at_ms:",
        f"{REFRESH}::test_a_replay_ends_the_login",
    ),
    Removal(
        "refresh replay: what a thief got of it lives on",
        "oauth/grants/refreshing.py",
        'await self._changes.end_family(family.id, "replayed", actor=f"client:{family.client_id}")',
        "pass",
        f"{REFRESH}::test_a_replay_ends_the_login",
    ),
    Removal(
        "refresh: another client's token is taken",
        "oauth/grants/refresh_token.py",
        "if presented is None or presented.family.client_id != client.id:",
        "if presented is None:",
        f"{REFRESH}::test_only_clients_that_list_the_grant",
    ),
    Removal(
        "refresh: a login that ended is gone on with",
        "oauth/grants/refresh_token.py",
        " or standing.login_epoch != family.login_epoch:",
        ":",
        f"{REFRESH}::test_what_ends_a_login_ends_its_refresh_tokens",
    ),
    Removal(
        "refresh: more scopes than were granted",
        "oauth/grants/refresh_token.py",
        "scopes, words = asked_scopes(asked, scopes)",
        "scopes, words = asked_scopes(asked, client.scopes)",
        f"{REFRESH}::test_scope",
    ),
    Removal(
        "a grant that is narrowed while a token is issued",
        "oauth/issue.py",
        "if grant is None or not grant.covers(granted.scopes, granted.openid):",
        "if grant is None:",
        f"{ISSUED}::test_a_grant_is_narrowed_while_a_token_is_issued",
    ),
    Removal(
        "a token is put under a session that has ended",
        "tokens/stores/memory.py",
        "if any(self._ended.get(key, 0) > now_ms for key in under):",
        "if not under and self._ended:",
        f"{ISSUED}::test_a_session_ends",
    ),
    # Resource indicators (RFC 8707)
    Removal(
        "a token for one service is used at another",
        "access/decide.py",
        "if principal.audience and rule.audience not in principal.audience:",
        "if principal.audience and rule.audience is principal.audience:",
        f"{RESOURCES}::test_a_token_is_for_whom_it_was_asked_for",
    ),
    Removal(
        "a refreshed token is for more services than were granted",
        "oauth/resources.py",
        "if granted and (not wanted or not wanted <= granted):",
        "if granted and wanted is granted:",
        f"{RESOURCES}::test_what_was_granted_is_never_widened",
    ),
    # Token exchange (RFC 8693 1.1, 5)
    Removal(
        "token exchange: more scopes than the token has",
        "oauth/grants/token_exchange.py",
        "narrowed(subject.proven.principal.scopes, client.scopes)",
        "client.scopes",
        f"{EXCHANGE}::test_never_more_scopes",
    ),
    Removal(
        "token exchange: what comes of it outlives the token",
        "oauth/issue.py",
        "seconds = min(seconds, int(granted.until - self._clock()))",
        "seconds = min(seconds, 3600)",
        f"{EXCHANGE}::test_never_longer",
    ),
    Removal(
        "token exchange: what came of a revoked token lives on",
        "changes/in_line.py",
        "swept = await self._store.narrow_under(token_id, lambda _: None)",
        'swept = await self._store.narrow_under("", lambda _: None)',
        f"{EXCHANGE}::test_it_ends_with_the_token_that_it_came_of",
    ),
    Removal(
        "token exchange: a stolen token that is bound to a key",
        "oauth/grants/token_exchange.py",
        "held(evidence, call.proved)",
        "evidence.proven",
        f"{EXCHANGE}::test_a_token_that_is_bound_to_a_key",
    ),
    Removal(
        "token exchange: a stolen token that is bound to a certificate",
        "oauth/grants/token_exchange.py",
        "held(evidence, call.proved)",
        "evidence.proven",
        f"{EXCHANGE}::test_a_token_that_is_bound_to_a_certificate",
    ),
    Removal(
        "token exchange: somebody else's token says who acts",
        "oauth/grants/token_exchange.py",
        "if actor.presented.client_id != client.id:",
        "if not actor.presented.client_id:",
        f"{EXCHANGE}::test_who_acts",
    ),
    Removal(
        "token exchange: a chain whose first actors are not told",
        "oauth/grants/token_exchange.py",
        "if presented.actor:",
        "if presented.actor == text:",
        f"{EXCHANGE}::test_what_came_of_an_exchange_is_not_exchanged_again",
    ),
)
