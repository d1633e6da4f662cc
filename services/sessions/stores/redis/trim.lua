-- Drops the expired entries of an index by expiry, by the server's clock.
--
-- KEYS[1]   the index
--
-- Answers how many there were.

local now = string.format('%.0f', tell_time() or 0)
return redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
