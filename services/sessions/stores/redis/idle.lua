-- Lists what nobody has used for some time, by the server's clock, the longest idle first.
--
-- KEYS[1]   the index by last use
-- ARGV[1]   for how long, in milliseconds
-- ARGV[2]   how many names at the most

local time, now = redis.pcall('TIME')
if time.err then
  -- A user may lack TIME. When the index ends and what it has left tell the same.
  now = redis.call('PEXPIRETIME', KEYS[1]) - redis.call('PTTL', KEYS[1])
else
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local before = string.format('%.0f', now - ARGV[1])
return redis.call('ZRANGE', KEYS[1], '-inf', before, 'BYSCORE', 'LIMIT', 0, ARGV[2])
