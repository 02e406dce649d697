local NoTrailers = { id = "no-trailers", flags = filter.FLT_CFG_FL_HTX }
NoTrailers.__index = NoTrailers
function NoTrailers:new()
  return setmetatable({ found = false }, NoTrailers)
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
core.register_filter("no-trailers", NoTrailers, function(made) return made end)
