-- Apply one write to one object of one user, atomically; the same effect as model.applied.
-- KEYS: 1 server session, 2 object, 3 what was applied (write id -> version)
-- ARGV: 1 operation, 2 wid, 3 the id it is remembered by, 4 data, 5 life of a session in seconds
-- Answers the version the write made, or -1 when there is no such server session.
local operation, wid, remembered_by, data, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local earlier = redis.call('HGET', KEYS[3], remembered_by)
if earlier then
  return tonumber(earlier)
end
if operation ~= 'sign-in' and redis.call('EXISTS', KEYS[1]) == 0 then
  return -1
end

local value
if operation == 'set' then
  value = data
elseif operation == 'append' then
  local before = redis.call('HGET', KEYS[2], 'value')
  value = (before and before ~= '') and (before .. '\n' .. data) or data
elseif operation == 'remove' then
  local start, kept = '{"id":"' .. data .. '"', {}
  for line in string.gmatch(redis.call('HGET', KEYS[2], 'value') or '', '[^\n]+') do
    if string.sub(line, 1, #start) ~= start then
      kept[#kept + 1] = line
    end
  end
  value = table.concat(kept, '\n')
else
  value = ''
end

-- The first command that writes: a full memory (noeviction) refuses it, and whatever follows the
-- first one is done in any case.
local ver = redis.call('HINCRBY', KEYS[2], 'ver', 1)
redis.call('HSET', KEYS[2], 'wid', wid, 'value', value)
redis.call('HSET', KEYS[3], remembered_by, ver)
redis.call('EXPIRE', KEYS[3], math.max(ttl, 3600)) -- a retry comes late, after many reads
if operation == 'sign-in' then
  redis.call('HSET', KEYS[1], 'ver', ver, 'wid', wid)
elseif operation == 'sign-out' then
  redis.call('DEL', KEYS[1])
end
redis.call('EXPIRE', KEYS[1], ttl)
return ver
