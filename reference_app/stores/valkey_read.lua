-- Read one object for a living server session, whose life slides. One bulk string is the answer,
-- because a client parses one of them much faster than an array of three.
-- KEYS: 1 server session, 2 object
-- ARGV: 1 how long a session must live after its last use, 2 how long its key lives, in seconds
-- Answers "ver wid value", "" when the object was never written, -1 without a server session.
local left = redis.call('PTTL', KEYS[1])
if left == -2 then
  return -1
end
if left < tonumber(ARGV[1]) * 1000 then -- not at every read: it is a write, and goes to the replicas
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
local object = redis.call('HMGET', KEYS[2], 'ver', 'wid', 'value')
if not object[1] then
  return ''
end
return object[1] .. ' ' .. object[2] .. ' ' .. object[3]
