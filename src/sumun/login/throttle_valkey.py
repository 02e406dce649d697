"""LoginThrottle in the token store's server (Valkey or Redis), so that all processes and nodes share one count.

When the server does not answer, no login is admitted: NoLoginWithoutThrottleError, which callers answer with 503.
(The tokens that a login would bring are kept in the same server, so nothing is lost that would have worked.)

Keys, all with an expiry, all in one slot of a cluster by their hash tag; values are unix milliseconds of the server's
own clock, so the clocks of the gateway's machines do not matter:

    smn:login:{t}:d:<digest>   when the debt of a pair or a source is paid back
    smn:login:{t}:d:total      the same of everything
    smn:login:{t}:k:<digest>   this pair is known
"""

from __future__ import annotations

from sumun.login.errors import NoLoginWithoutThrottleError
from sumun.login.throttle import Admitted, Attempt, Budget, Budgets, RateLimited, limited
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.stores.valkey_link import Answer, ValkeyLink, strange
from sumun.tokens.stores.valkey_scripts import Script

_PREFIX = "smn:login:{t}:"
_TOTAL = f"{_PREFIX}d:total"

# KEYS: known, pair, source, total. ARGV: bound of each debt. Returns the longest wait in milliseconds.
_ADMIT = Script.of("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('GET', KEYS[1])
local wait = 0
for i = 2, 4 do
  if i == 2 or not known then
    local debt = tonumber(redis.call('GET', KEYS[i]) or '0') - now
    wait = math.max(wait, debt - tonumber(ARGV[i - 1]))
  end
end
return wait
""")

# KEYS as above. ARGV: step and longest debt of each.
_FAILED = Script.of(
    """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('GET', KEYS[1])
for i = 2, 4 do
  if i == 2 or not known then
    local until_ms = math.max(tonumber(redis.call('GET', KEYS[i]) or '0'), now) + tonumber(ARGV[2 * i - 3])
    until_ms = math.min(until_ms, now + tonumber(ARGV[2 * i - 2]))
    redis.call('SET', KEYS[i], string.format('%.0f', until_ms), 'PX', string.format('%.0f', until_ms - now))
  end
end
return 1
""",
    keeps=True,
)


# KEYS as above. ARGV: for how many milliseconds a pair is known.
_SUCCEEDED = Script.of(
    """
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return 1
""",
    keeps=True,
)


class ValkeyLoginThrottle:
    """Keeps the contract of `throttle.LoginThrottle`. `link` is this object's own: `close` closes it."""

    def __init__(self, link: ValkeyLink, budgets: Budgets) -> None:
        """The link's deadline bounds every call."""
        window = budgets.window_seconds
        each = [
            Budget.of(failures, window)
            for failures in (budgets.per_account_and_source, budgets.per_source, budgets.total)
        ]
        self._link = link
        self._bounds = [budget.bound_ms for budget in each]
        self._steps = [number for budget in each for number in (budget.step_ms, budget.longest_ms)]
        self._known_for = [budgets.known_for_seconds * 1000]

    async def admit(self, attempt: Attempt) -> Admitted | RateLimited:
        """See the contract."""
        return limited(await self._run(_ADMIT, attempt, self._bounds))

    async def failed(self, attempt: Attempt) -> None:
        """See the contract."""
        await self._run(_FAILED, attempt, self._steps)

    async def succeeded(self, attempt: Attempt) -> None:
        """See the contract."""
        await self._run(_SUCCEEDED, attempt, self._known_for)

    async def close(self) -> None:
        """See the contract."""
        await self._link.close()

    async def _run(self, script: Script, attempt: Attempt, numbers: list[int]) -> int:
        pair = attempt.pair_digest
        keys = [f"{_PREFIX}k:{pair}", f"{_PREFIX}d:{pair}", f"{_PREFIX}d:{attempt.source_digest}", _TOTAL]
        try:
            return _number(await self._link.run(script, keys, numbers))
        except StoreUnavailableError as error:
            raise NoLoginWithoutThrottleError(f"no login without its throttle: {error}") from error


def _number(answer: Answer) -> int:
    if not isinstance(answer, int):
        raise strange("the login throttle")
    return answer
