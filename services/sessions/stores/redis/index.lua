-- Drops the expired entries of an index, by the server's clock, and tells what is left.
--
-- KEYS[1]   the index
-- ARGV[1]   the first place to list, ARGV[2] the last; without them the entries are counted
--
-- Answers their number, or the names at these places, the ones that expire last first.

local now = string.format('%.0f', tell_time() or 0)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not ARGV[1] then return redis.call('ZCARD', KEYS[1]) end
return redis.call('ZREVRANGE', KEYS[1], ARGV[1], ARGV[2])
