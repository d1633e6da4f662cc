-- Drops the expired entries of an index, by the server's clock, and tells what is left.
--
-- KEYS[1]   the index
-- ARGV[1]   the first place to list, ARGV[2] the last; without them the entries are counted
--
-- Answers their number, or the names at these places, the ones that expire last first.

local time, now = redis.pcall('TIME')
if time.err then
  -- A user may lack TIME. When the index ends and what it has left tell the same.
  now = redis.call('PEXPIRETIME', KEYS[1]) - redis.call('PTTL', KEYS[1])
else
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
now = string.format('%.0f', now)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not ARGV[1] then return redis.call('ZCARD', KEYS[1]) end
return redis.call('ZREVRANGE', KEYS[1], ARGV[1], ARGV[2])
