-- Spends an amount from several budgets if every one of them still has it; the window slides.
--
-- KEYS[1], ...   the budgets: hashes with what was spent in each step of the window
-- ARGV[1]        the amount
-- ARGV[2]        how long a step is, in milliseconds; ARGV[3] the steps of a window
-- ARGV[4], ...   what each budget allows within a window
--
-- Answers 0 when it was spent, else the milliseconds until it may be, and nothing was spent.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local amount, step, steps = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local present = math.floor(now / step)
local wait = 0

-- How long until a budget has room for the amount, from what was spent in each step.
local function rest(spent, total, allowed)
  local ordered = {}
  for at in pairs(spent) do table.insert(ordered, at) end
  table.sort(ordered)
  for _, at in ipairs(ordered) do
    total = total - spent[at]
    if total + amount <= allowed then return (at + steps + 1) * step - now end
  end
  return steps * step
end

local expired = {}
for i, key in ipairs(KEYS) do
  local spent, total, found = {}, 0, redis.call('HGETALL', key)
  expired[i] = {}
  for j = 1, #found, 2 do
    local at = tonumber(found[j])
    if at < present - steps then
      table.insert(expired[i], found[j])
    else
      spent[at] = tonumber(found[j + 1])
      total = total + spent[at]
    end
  end
  local allowed = tonumber(ARGV[3 + i])
  if total + amount > allowed then wait = math.max(wait, rest(spent, total, allowed)) end
end
if wait > 0 then return wait end

for i, key in ipairs(KEYS) do
  for _, at in ipairs(expired[i]) do redis.call('HDEL', key, at) end
  redis.call('HINCRBY', key, string.format('%.0f', present), ARGV[1])
  redis.call('PEXPIRE', key, (steps + 1) * step)
end
return 0
