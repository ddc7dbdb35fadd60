/** The ledger in Redis: one key for each fleet, on one server, behind sentinels or in a cluster. */

import { once } from 'node:events';
import { nodeCrypto } from '../../packages/index.js';
import { messageOf } from '../../engine/index.js';
import { ignore } from '../../engine/waiting/index.js';
import { connectRedis, type RedisConnection, type RedisTarget } from '../../redis/index.js';
import type { FleetState } from '../contract/index.js';
import { encodeState } from '../protocol/index.js';
import { stateOf, type StateStore, type Stored, StoredLedger } from './stored-ledger.js';

/** A fleet without any renewal for so long is forgotten: many times the longest lease. */
const KEPT_MS = 7 * 86_400_000;

/** How long a sentinel may take to name the master. */
const SENTINEL_MS = 500;

/**
 * What is there now: the time in microseconds, which run of Redis answers, the token and the state. A restart and a promoted replica have another
 * run id: either may have lost what was acknowledged.
 */
const LOOK = `
local function look(key)
  local time = redis.call('TIME')
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local kept = redis.call('HMGET', key, 'token', 'state')
  return {time[1] .. string.format('%06d', time[2]), run or '', kept[1] or '', kept[2] or ''}
end`;

const READ = `${LOOK}
return look(KEYS[1])`;

/** ARGV: the token and the run that were read, the new token, the new state, milliseconds to keep it. */
const STORE = `${LOOK}
local now = look(KEYS[1])
if now[3] ~= ARGV[1] or now[2] ~= ARGV[2] then return now end
redis.call('HSET', KEYS[1], 'token', ARGV[3], 'state', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {}`;

const SCRIPTS = { readFleet: { numberOfKeys: 1, lua: READ }, storeFleet: { numberOfKeys: 1, lua: STORE } };

type Answer = readonly [timeUs: string, run: string, token: string, state: string];

interface FleetClient extends RedisConnection {
  readFleet(key: string): Promise<Answer>;
  storeFleet(key: string, token: string, run: string, newToken: string, state: string, keptMs: number): Promise<Answer | readonly []>;
}

/** What a user of Redis must be allowed to do, for the error of one who is not. */
const WANTED_RIGHTS = '+eval +evalsha +time +info +hmget +hset +pexpire ~poolwright:fleet:*';

/**
 * A ledger in Redis. It connects in the background, and again without end.
 *
 * @throws PoolError `POOL_OPTION_INVALID`; Error `MODULE_NOT_FOUND` when ioredis is not installed
 */
export function redisLedger(target: RedisTarget, random?: () => number): StoredLedger {
  return new StoredLedger(new RedisStore(target), random);
}

/** The key of a fleet. What stands in braces chooses the node of a cluster. */
export function keyOf(name: string): string {
  return `poolwright:fleet:{${name}}`;
}

class RedisStore implements StateStore {
  readonly #client: FleetClient;

  constructor(target: RedisTarget) {
    const [client] = connectRedis<FleetClient>(target, {
      user: "A fleet's ledger in Redis",
      option: 'fleet.ledger',
      scripts: SCRIPTS,
      boundMs: SENTINEL_MS,
      pipelining: [false],
    });
    this.#client = client as FleetClient;
  }

  async read(name: string, signal: AbortSignal): Promise<Stored> {
    await this.#connected(signal);
    return storedFrom(await this.#asked(this.#client.readFleet(keyOf(name))));
  }

  async store(name: string, { token = '', identity }: Stored, state: FleetState): Promise<Stored | undefined> {
    const text = encodeState(state);
    const answer = await this.#asked(this.#client.storeFleet(keyOf(name), token, identity, newToken(), text, KEPT_MS));
    // A master that was cut off while another one was promoted takes what no other member will see.
    await this.#client.confirm();
    return answer.length === 0 ? undefined : storedFrom(answer);
  }

  reconnect(): void {
    this.#client.disconnect(true);
  }

  close(): void {
    this.#client.close();
  }

  async #connected(signal: AbortSignal): Promise<void> {
    while (this.#client.status !== 'ready') {
      signal.throwIfAborted();
      await once(this.#client, 'ready', { signal }).catch(ignore);
    }
  }

  async #asked<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      const message = messageOf(error);
      // The name may lead to another server by now, which is the master.
      if (message.includes('READONLY')) this.reconnect();
      if (message.includes('NOPERM') || message.includes("can't run this command"))
        throw new Error(`Redis does not allow its user what a fleet needs. Allow it: ${WANTED_RIGHTS} (Redis said: ${message})`, {
          cause: error,
        });
      throw error;
    }
  }
}

/** Never the same one again: after a fail-over with lost writes a number would count up to where it was once before. */
export function newToken(): string {
  return nodeCrypto().randomBytes(12).toString('base64url');
}

function storedFrom([timeUs, run, token, state]: Answer): Stored {
  if (run === '')
    throw new Error('Redis does not report its run (run_id in INFO server), so a fail-over with lost writes would go unnoticed');
  return { state: stateOf(state), token: token === '' ? undefined : token, now: Number(timeUs) / 1_000, identity: run };
}
