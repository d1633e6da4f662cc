-- Stores one session document if its condition holds: one key, one decision, one round trip.
--
-- KEYS[1]   the document; KEYS[2], ... the indexes it stands in, last the one by last use if any;
--           behind them, for a tombstone, where an unreadable value of this key is in quarantine
-- ARGV[1]   condition: absent | unchanged | older | mirror | any | owned | idle
-- ARGV[2]   the version the document gets (with the last three: one more than is stored, or this)
-- ARGV[3]   the document, with that version as its first member
-- ARGV[4]   how long it lives from now, in milliseconds
-- ARGV[5]   its name in the indexes
-- ARGV[6]   how long the indexes are kept after that, in milliseconds
-- ARGV[7]   the stored version that "unchanged" asks for
-- ARGV[8]   1 for a tombstone, which leaves the indexes, and removes what is in quarantine unless
--           that names another owner
-- ARGV[9]   how long ago its last use was, in milliseconds; empty without an index by last use
-- ARGV[10]  with "owned" and "mirror": how the stored document must go on after its version
--
-- Answers the version now stored when it was written, 0 when the document to change is
-- missing, minus the stored version on a conflict, and an error: CORRUPT for no document, INDEX
-- where something else is in an index's place.
-- The version is read from the first bytes; the document is never parsed.
--
-- A script that fails in the middle leaves what it wrote. The document is written last, when
-- nothing that could fail is left to do; an entry in an index without a document just expires.

local now = tell_time()

-- Lets an index live so long, and never shorter: a longer-lived session may stand in it.
local function keep(index, milliseconds)
  if redis.call('PEXPIRE', index, milliseconds, 'NX') == 0 then
    redis.call('PEXPIRE', index, milliseconds, 'GT')
  end
end

-- The owner that a value names, as codec.names_other_owner looks for it.
local function owner_in(value)
  return string.match(string.sub(value, 1, 512), '"owner":("?[^",}]*)') or 'null'
end

local quarantine = ARGV[8] == '1' and table.remove(KEYS)
local by_expiry, by_use = #KEYS, ARGV[9] ~= '' and KEYS[#KEYS]
if by_use then by_expiry = by_expiry - 1 end

-- A version has at most 15 digits; what tells the owner follows it.
local head = redis.call('GETRANGE', KEYS[1], 0, 31 + #ARGV[10])
local stored = 0
if head ~= '' then
  stored = tonumber(string.match(head, '^{"version":([1-9]%d*)[,}]'))
  if not stored then
    return redis.error_reply('CORRUPT the stored value is no session document')
  end
end

local condition, version, document = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local refused = false
if condition == 'idle' then
  local used = tonumber(redis.call('ZSCORE', by_use, ARGV[5])) or 0
  if used > (now or 0) - ARGV[9] then return -stored end
  if stored == 0 then
    redis.call('ZREM', by_use, ARGV[5])
    return 0
  end
elseif (condition == 'owned' or condition == 'mirror') and stored > 0 then
  local begins = string.find(head, ',', 1, true)
  local found = string.sub(head, begins, begins + #ARGV[10] - 1)
  local gone = condition == 'mirror' and string.sub(head, begins, begins + 15) == ',"deleted":true,'
  if not gone and (#ARGV[10] == 0 or found ~= ARGV[10]) then return -stored end
end
if condition == 'absent' then
  refused = stored > 0
elseif condition == 'unchanged' then
  refused = stored ~= tonumber(ARGV[7])
elseif condition == 'older' or condition == 'mirror' then
  refused = stored >= version
elseif stored >= version then
  -- Only here the client could not know the version. Long strings are costly to join in Lua.
  version = stored + 1
  document = string.format('{"version":%.0f', version)
    .. string.sub(document, (string.find(document, ',', 1, true)))
end

-- A connection may break between the write and its answer, and the client asks again.
local repeated = refused and stored == version and redis.call('GET', KEYS[1]) == document
if refused and not repeated then return -stored end

for i = 2, #KEYS do
  local kind = redis.call('TYPE', KEYS[i])['ok']
  if kind ~= 'zset' and kind ~= 'none' then
    return redis.error_reply('INDEX something else is stored in the place of an index')
  end
end

-- The clients' clocks may differ from each other; the one of the server counts for all of them.
local ends
if repeated then
  redis.call('PEXPIRE', KEYS[1], ARGV[4], 'GT')
  ends = redis.call('PEXPIRETIME', KEYS[1])
elseif now then
  ends = now + ARGV[4]
else
  redis.call('SET', KEYS[1], document, 'PX', ARGV[4])
  ends = redis.call('PEXPIRETIME', KEYS[1])
end

local function finish()
  if now and not repeated then
    redis.call('SET', KEYS[1], document, 'PXAT', string.format('%.0f', ends))
  end
  return version
end

if quarantine then
  local owner = 'null'
  if redis.call('TYPE', quarantine)['ok'] == 'string' then
    owner = owner_in(redis.call('GETRANGE', quarantine, 0, 511))
  end
  if owner == 'null' or owner == owner_in(document) then redis.call('DEL', quarantine) end
  for i = 2, #KEYS do redis.call('ZREM', KEYS[i], ARGV[5]) end
  return finish()
end
if by_use then
  local used = ends - ARGV[4] - ARGV[9]
  if repeated then
    redis.call('ZADD', by_use, 'GT', used, ARGV[5])
  else
    redis.call('ZADD', by_use, used, ARGV[5])
  end
  if stored == 0 then
    keep(by_use, ARGV[4] + ARGV[6])
    -- No session outlives this unused, so what is left of these is an entry without a session.
    redis.call('ZREMRANGEBYSCORE', by_use, '-inf', string.format('(%.0f', ends - ARGV[4] - ARGV[6]))
  end
end

for i = 2, by_expiry do
  redis.call('ZADD', KEYS[i], ends, ARGV[5])
  if stored == 0 then
    keep(KEYS[i], ARGV[4] + ARGV[6])
    -- A few expired entries go with every new one, so an index nobody reads stays bounded.
    local before = string.format('(%.0f', ends - ARGV[4])
    local expired = redis.call('ZRANGE', KEYS[i], '-inf', before, 'BYSCORE', 'LIMIT', 0, 8)
    if #expired > 0 then redis.call('ZREM', KEYS[i], unpack(expired)) end
  end
end
return finish()
