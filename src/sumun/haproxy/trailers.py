"""Trailer fields of requests, for a service that takes them for header fields (RFC 9110 6.5.1 forbids it to).

They stand behind the body, where no rule of the gate looks, so an `X-User-Id` among them would be the client's. From
3.2 on HAProxy drops them all (`process`). Before, nothing in it can: a filter in Lua, for the services that ask for it,
ends a request that has them before its end is passed on. It costs each call to such a service, and no other call.

What the filter sees of a request that is whole: `input` counts the bytes of the body that it holds, of the trailers,
and one more for the end of a body that could have some.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sumun.config.plan import Service
from sumun.haproxy.sections import File, Line

_FILE: Final = "no-trailers.lua"
_NAME: Final = "no-trailers"
_UNLESS_DROPPED: Final = ".if !version_atleast(3.2)"

# 2.6 can tell of an error at the end of a message only (`http_end`), not in the middle (`http_payload`): what must not
# be passed on is held until then. Pure text for HAProxy.
_LUA: Final = f"""\
local NoTrailers = {{ id = "{_NAME}", flags = filter.FLT_CFG_FL_HTX }}
NoTrailers.__index = NoTrailers
function NoTrailers:new()
  return setmetatable({{ found = false }}, NoTrailers)
end
function NoTrailers:start_analyze(txn, channel)
  if not channel:is_resp() then filter.register_data_filter(self, channel) end
  return filter.CONTINUE
end
function NoTrailers:http_payload(txn, message)
  if message:is_resp() or not message:eom() then return end
  local body = message:body()
  if message:input() - (body and #body or 0) > 1 then
    self.found = true
    message:forward(0)
  end
end
function NoTrailers:http_end(txn, message)
  if self.found and not message:is_resp() then return filter.ERROR end
  return filter.CONTINUE
end
core.register_filter("{_NAME}", NoTrailers, function(made) return made end)
"""


def load_filter(services: Iterable[Service]) -> list[str]:
    """Lines of `global`: each thread has a Lua of its own, so that none waits for another."""
    return _guarded(f"lua-load-per-thread {_FILE}") if any(one.refuse_trailers for one in services) else []


def refuse_trailers(service: Service) -> list[str]:
    """Lines of each backend of a service."""
    return _guarded(f"filter lua.{_NAME}") if service.refuse_trailers else []


def filter_files(services: Iterable[Service]) -> list[File]:
    """The file that is loaded, if there is a service that asks for it."""
    if not any(one.refuse_trailers for one in services):
        return []
    return [File(_FILE, tuple(map(Line, _LUA.removesuffix("\n").split("\n"))))]


def _guarded(line: str) -> list[str]:
    return [_UNLESS_DROPPED, line, ".endif"]
