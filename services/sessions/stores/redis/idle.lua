-- Lists what nobody has used for some time, by the server's clock, the longest idle first.
--
-- KEYS[1]   the index by last use
-- ARGV[1]   for how long, in milliseconds
-- ARGV[2]   how many names at the most

local before = string.format('%.0f', (tell_time() or 0) - ARGV[1])
return redis.call('ZRANGE', KEYS[1], '-inf', before, 'BYSCORE', 'LIMIT', 0, ARGV[2])
