-- Reads the beginning of a document, and a passage of one whose head has no entry for lists.
--
-- KEYS[1]   the document
-- ARGV[1]   how many bytes of its beginning
-- ARGV[2]   what the passage ends in front of
-- ARGV[3]   how many bytes of it
--
-- Answers both, or nothing where there is no document. Only for an entry that is missing, or that
-- an earlier release kept while it changed the document, the whole of it is looked through.

local head = redis.call('GETRANGE', KEYS[1], 0, ARGV[1] - 1)
if head == '' then return false end
local updated = string.match(head, ',"updated_at":(%d+),')
if updated and string.find(head, ',"list_entry":{"at":' .. updated .. ',', 1, true) then
  return {head, ''}
end
local whole = redis.call('GET', KEYS[1])
local place = string.find(whole, ARGV[2], 1, true)
if not place then return {head, ''} end
return {head, string.sub(whole, math.max(1, place - ARGV[3]), place - 1)}
