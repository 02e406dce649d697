"""LoginThrottle in the token store's server (Valkey or Redis), so that all processes and nodes share one count.

When the server does not answer, nothing is admitted: NoLoginWithoutThrottleError, which callers answer with 503.
(The tokens that a login would bring are kept in the same server, so nothing is lost that would have worked.)

Keys, all with an expiry, all in one slot of a cluster by their hash tag; values are unix milliseconds of the server's
own clock, so the clocks of the gateway's machines do not matter. `login` is what is counted: each has its own budgets.

    smn:login:{t}:d:<digest>   when the debt of a pair or a source is paid back
    smn:login:{t}:d:total      the same of everything
    smn:login:{t}:k:<digest>   this pair is known
"""

from __future__ import annotations

from sumun.login.errors import NoLoginWithoutThrottleError
from sumun.login.throttle import Admitted, Attempt, Budget, Budgets, Counted, RateLimited, limited
from sumun.tokens.errors import StoreUnavailableError
from sumun.tokens.stores.valkey_link import Answer, ValkeyLink, strange
from sumun.tokens.stores.valkey_scripts import Script

# KEYS: known, pair, source, total. ARGV: bound of each of the three, step of each, longest debt of each.
_CONCERNED = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = redis.call('GET', KEYS[1]) and 2 or 4
local function debt(i) return tonumber(redis.call('GET', KEYS[i]) or '0') end
local function owe(i, until_ms)
  redis.call('SET', KEYS[i], string.format('%.0f', until_ms), 'PX', string.format('%.0f', until_ms - now))
end
"""
_WAIT = """
local wait = 0
for i = 2, last do wait = math.max(wait, debt(i) - now - tonumber(ARGV[i - 1])) end
"""
_COUNT_ONE = """
for i = 2, last do
  owe(i, math.min(math.max(debt(i), now) + tonumber(ARGV[i + 2]), now + tonumber(ARGV[i + 5])))
end
"""
# The longest wait in milliseconds; 0: admitted.
_ADMIT = Script.of(_CONCERNED + _WAIT + "return wait")
_FAILED = Script.of(_CONCERNED + _COUNT_ONE + "return 1", keeps=True)
_COUNT = Script.of(
    _CONCERNED + _WAIT + "if wait > 0 then return wait end" + _COUNT_ONE + "return 0", keeps=True
)
_TAKE_BACK = Script.of(
    _CONCERNED
    + """
for i = 2, last do
  local until_ms = debt(i) - tonumber(ARGV[i + 2])
  if until_ms > now then owe(i, until_ms) else redis.call('DEL', KEYS[i]) end
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

    def __init__(self, link: ValkeyLink, budgets: Budgets, counted: Counted = Counted.LOGIN) -> None:
        """The link's deadline bounds every call."""
        window = budgets.window_seconds
        each = [
            Budget.of(failures, window)
            for failures in (budgets.per_account_and_source, budgets.per_source, budgets.total)
        ]
        self._link = link
        self._prefix = f"smn:{counted}:{{t}}:"
        self._budgets = [
            *(budget.bound_ms for budget in each),
            *(budget.step_ms for budget in each),
            *(budget.longest_ms for budget in each),
        ]
        self._known_for = [budgets.known_for_seconds * 1000]

    async def admit(self, attempt: Attempt) -> Admitted | RateLimited:
        """See the contract."""
        return limited(await self._run(_ADMIT, attempt, self._budgets))

    async def failed(self, attempt: Attempt) -> None:
        """See the contract."""
        await self._run(_FAILED, attempt, self._budgets)

    async def count(self, attempt: Attempt) -> Admitted | RateLimited:
        """See the contract."""
        return limited(await self._run(_COUNT, attempt, self._budgets))

    async def take_back(self, attempt: Attempt) -> None:
        """See the contract."""
        await self._run(_TAKE_BACK, attempt, self._budgets)

    async def succeeded(self, attempt: Attempt) -> None:
        """See the contract."""
        await self._run(_SUCCEEDED, attempt, self._known_for)

    async def close(self) -> None:
        """See the contract."""
        await self._link.close()

    async def _run(self, script: Script, attempt: Attempt, numbers: list[int]) -> int:
        pair, debts = attempt.pair_digest, f"{self._prefix}d:"
        keys = [
            f"{self._prefix}k:{pair}",
            f"{debts}{pair}",
            f"{debts}{attempt.source_digest}",
            f"{debts}total",
        ]
        try:
            return _number(await self._link.run(script, keys, numbers))
        except StoreUnavailableError as error:
            raise NoLoginWithoutThrottleError(f"nothing is tried without its throttle: {error}") from error


def _number(answer: Answer) -> int:
    if not isinstance(answer, int):
        raise strange("the login throttle")
    return answer
