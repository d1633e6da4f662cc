-- Lets a session live longer, and never shorter, without touching its document.
--
-- KEYS[1]   the document; KEYS[2], ... the indexes it stands in, last the one by last use if any
-- ARGV[1]   how long it lives from now, in milliseconds
-- ARGV[2]   its name in the indexes
-- ARGV[3]   how long the indexes are kept after that, in milliseconds
-- ARGV[4]   how long ago its last use was, in milliseconds; empty without an index by last use
--
-- Answers 1, or 0 when there is none.

-- Somebody else's value in its place is no reason to refuse the document.
local function is_index(key)
  return redis.call('TYPE', key)['ok'] == 'zset'
end

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[1], 'GT')
local ends = redis.call('PEXPIRETIME', KEYS[1])
local by_expiry = #KEYS
if ARGV[4] ~= '' then
  local used = (tell_time() or 0) - ARGV[4]
  if is_index(KEYS[#KEYS]) then redis.call('ZADD', KEYS[#KEYS], 'XX', 'GT', used, ARGV[2]) end
  by_expiry = by_expiry - 1
end
for i = 2, by_expiry do
  if is_index(KEYS[i]) then
    redis.call('ZADD', KEYS[i], 'XX', ends, ARGV[2])
    redis.call('PEXPIRE', KEYS[i], ARGV[1] + ARGV[3], 'GT')
  end
end
return 1
