-- Stores one session document if its condition holds: one key, one decision, one round trip.
--
-- KEYS[1]   the document; KEYS[2], ... the indexes it stands in
-- ARGV[1]   condition: absent | unchanged | any | older
-- ARGV[2]   the version the document gets (with "any": one more than what is stored, or this)
-- ARGV[3]   the document, with that version as its first member
-- ARGV[4]   when it ends, in milliseconds since 1970
-- ARGV[5]   its name in the indexes
-- ARGV[6]   when the indexes may end, in milliseconds since 1970
-- ARGV[7]   the stored version that "unchanged" asks for
-- ARGV[8]   1 for a tombstone, which leaves the indexes
--
-- Answers the version now stored when it was written, 0 when the document to change is
-- missing, minus the stored version on a conflict, and an error CORRUPT for no document.
-- The version is read from the first bytes; the document is never parsed.

local head = redis.call('GETRANGE', KEYS[1], 0, 31)
local stored = 0
if head ~= '' then
  stored = tonumber(string.match(head, '^{"version":([1-9]%d*)[,}]'))
  if not stored then
    return redis.error_reply('CORRUPT the stored value is no session document')
  end
end

local condition, version, document = ARGV[1], tonumber(ARGV[2]), ARGV[3]
if condition == 'absent' then
  if stored > 0 then return -stored end
elseif condition == 'unchanged' then
  if stored ~= tonumber(ARGV[7]) then return -stored end
elseif condition == 'older' then
  if stored >= version then return -stored end
elseif stored >= version then
  -- Only here the client could not know the version. Long strings are costly to join in Lua.
  version = stored + 1
  document = string.format('{"version":%.0f', version)
    .. string.sub(document, (string.find(document, ',', 1, true)))
end

redis.call('SET', KEYS[1], document, 'PXAT', ARGV[4])

if ARGV[8] == '1' then
  for i = 2, #KEYS do redis.call('ZREM', KEYS[i], ARGV[5]) end
  return version
end

for i = 2, #KEYS do
  redis.call('ZADD', KEYS[i], ARGV[4], ARGV[5])
  if stored == 0 then
    redis.call('PEXPIREAT', KEYS[i], ARGV[6])
    -- A few expired entries go with every new one, so an index nobody reads stays bounded.
    local now = redis.call('TIME')
    local expired = redis.call('ZRANGE', KEYS[i], '-inf', '(' .. now[1] .. '000', 'BYSCORE', 'LIMIT', 0, 8)
    if #expired > 0 then redis.call('ZREM', KEYS[i], unpack(expired)) end
  end
end
return version
