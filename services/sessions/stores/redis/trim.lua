-- Drops the expired entries of an index by expiry, by the server's clock.
--
-- KEYS[1]   the index
--
-- Answers how many there were.

local time, now = redis.pcall('TIME')
if time.err then
  -- A user may lack TIME. When the index ends and what it has left tell the same.
  now = redis.call('PEXPIRETIME', KEYS[1]) - redis.call('PTTL', KEYS[1])
else
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
now = string.format('%.0f', now)
return redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
