-- Counts one more within a window that the first of its counts begins.
--
-- KEYS[1]   the counter
-- ARGV[1]   how long a window is, in milliseconds
--
-- Answers the number in this window, and the milliseconds that are left of it.

local number = redis.call('INCR', KEYS[1])
local rest = redis.call('PTTL', KEYS[1])
if rest < 0 then
  -- It is new, or somebody else has made it persistent: no counter stays for ever.
  rest = tonumber(ARGV[1])
  redis.call('PEXPIRE', KEYS[1], rest)
end
return {number, rest}
