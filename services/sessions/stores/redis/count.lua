-- Counts one more within a window that the first of its counts begins.
--
-- KEYS[1]   the counter
-- ARGV[1]   how long a window is, in milliseconds
--
-- Answers the number in this window, and the milliseconds that are left of it, and an error
-- CORRUPT for no counter.

-- With its expiry from the first moment: a script may be cut off, and no counter stays for ever.
redis.call('SET', KEYS[1], 0, 'PX', ARGV[1], 'NX')
local rest = redis.call('PTTL', KEYS[1])
if rest < 0 then
  -- Somebody else has made it persistent.
  rest = tonumber(ARGV[1])
  redis.call('PEXPIRE', KEYS[1], rest)
end
local number = redis.pcall('INCR', KEYS[1])
if type(number) == 'table' then
  if not string.find(number.err, 'integer', 1, true) then return number end
  return redis.error_reply('CORRUPT the stored value is no counter')
end
return {number, rest}
