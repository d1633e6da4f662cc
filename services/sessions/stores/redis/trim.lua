-- Drops the expired entries of an index by expiry, by the server's clock.
--
-- KEYS[1]   the index
--
-- Answers how many there were.

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
return redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
