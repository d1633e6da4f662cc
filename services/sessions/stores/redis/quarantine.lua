-- Moves an unreadable value to a key of its own, unless it was replaced meanwhile.
--
-- KEYS[1]   the session's key; KEYS[2] where the value goes; KEYS[3], ... its indexes
-- ARGV[1]   the value that could not be read; empty for a value that is no string
-- ARGV[2]   how long it is kept from now, in milliseconds
-- ARGV[3]   its name in the indexes
--
-- Answers 1 when the value was moved, 0 when the key holds something else by now.

local kind = redis.call('TYPE', KEYS[1])['ok']
if kind == 'none' then return 0 end
if kind == 'string' and redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for i = 3, #KEYS do
  if redis.call('TYPE', KEYS[i])['ok'] == 'zset' then redis.call('ZREM', KEYS[i], ARGV[3]) end
end
-- The expiry moves along; what cannot be undone comes last.
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('RENAME', KEYS[1], KEYS[2])
return 1
