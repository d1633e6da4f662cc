-- The server's clock in milliseconds; nil where nothing tells it.
local function tell_time()
  local time = redis.pcall('TIME')
  if not time.err then return time[1] * 1000 + math.floor(time[2] / 1000) end
  -- A user may lack TIME. When a key ends and what it has left tell the same.
  for i = 1, #KEYS do
    local left = redis.call('PTTL', KEYS[i])
    if left > 0 then return redis.call('PEXPIRETIME', KEYS[i]) - left end
  end
end

