-- Lets a session live longer, and never shorter, without touching its document.
--
-- KEYS[1]   the document; KEYS[2], ... the indexes it stands in
-- ARGV[1]   how long it lives from now, in milliseconds
-- ARGV[2]   its name in the indexes
-- ARGV[3]   how long the indexes are kept after that, in milliseconds
--
-- Answers 1, or 0 when there is none.

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[1], 'GT')
local ends = redis.call('PEXPIRETIME', KEYS[1])
for i = 2, #KEYS do
  redis.call('ZADD', KEYS[i], 'XX', ends, ARGV[2])
  redis.call('PEXPIRE', KEYS[i], ARGV[1] + ARGV[3], 'GT')
end
return 1
