/** The Lua scripts that Redis runs for the cache: joining the ledger, publishing to it, releasing a lock, and reading a value. */

/**
 * The ledger belongs to one run of one master. After a restart from a file, or on a promoted replica, it may lack invalidations that were
 * acknowledged. So its id holds the run's id, and another run begins another ledger. A list that does not end where the counter says is
 * replaced too: a full Redis may evict either of them.
 *
 * The script writes first, though nothing. A Redis that takes no writes (a snapshot has failed, replicas are missing) could not publish an
 * invalidation now, so it must not answer that there was none.
 */
const JOIN = `
redis.call('XTRIM', KEYS[3], 'MAXLEN', '~', ARGV[2])
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if string.match(redis.call('INFO', 'replication'), 'role:(%a+)') ~= 'master' then return redis.error_reply('READONLY not a master') end
local id = redis.call('GET', KEYS[1])
local count = redis.call('GET', KEYS[2])
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
local whole = count == '0' or (count and last and last[1] == count .. '-0')
if not id or not whole or string.sub(id, 1, #run) ~= run then
  id = run .. '.' .. ARGV[1]
  count = '0'
  redis.call('DEL', KEYS[3])
  redis.call('SET', KEYS[2], count)
  redis.call('SET', KEYS[1], id)
end
return {id, count}`;

/**
 * A full Redis refuses commands that need room, but not within a script that has already written. An invalidation is small, and trimming the
 * list makes room for it.
 */
const PUBLISH = `
redis.call('XTRIM', KEYS[3], 'MAXLEN', '~', ARGV[3])
if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
local position = redis.call('INCR', KEYS[2])
redis.call('XADD', KEYS[3], position .. '-0', 'names', ARGV[2])
return position`;

const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

/** One command instead of two: most of the cost of a hit in Redis is the client's work for each command. */
const GET_WITH_LIFE = `return {redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])}`;

/** The scripts as ioredis takes them; each becomes a method of the client. */
export const SCRIPTS = {
  getWithLife: { numberOfKeys: 1, lua: GET_WITH_LIFE },
  joinLedger: { numberOfKeys: 3, lua: JOIN },
  publishToLedger: { numberOfKeys: 3, lua: PUBLISH },
  releaseLock: { numberOfKeys: 1, lua: RELEASE },
};
