import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FleetReply, FleetRequest, FleetState, FleetLedger } from '../../../src/fleet/contract/index.js';
import { databaseLedger, FLEET_TABLE } from '../../../src/fleet/ledgers/database-ledger.js';
import { keyOf, redisLedger } from '../../../src/fleet/ledgers/redis-ledger.js';
import { step } from '../../../src/fleet/protocol/index.js';
import { openLone } from '../../../src/mysql/index.js';
import { resolveOptions } from '../../../src/mysql/options/index.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { type RedisServer, startRedis } from '../../support/servers/redis-server.js';
import { startRedisCluster, startSentinelGroup } from '../../support/servers/redis-topologies.js';
import { waitFor } from '../../support/wait-for.js';
import { randomRequests, requestOf } from '../support/requests.js';
import { MemoryLedger } from '../support/memory-ledger.js';

let redis: RedisServer;
let database: TestDatabase;

beforeAll(async () => {
  [redis, database] = await Promise.all([startRedis(), createDatabase()]);
});

afterAll(async () => {
  await Promise.all([redis.stop(), database[Symbol.asyncDispose]()]);
});

function inDatabase(of: TestDatabase = database, user: object = {}): FleetLedger {
  const options = resolveOptions({ target: { ...of.connection, ...user } }, 'own', {});
  return databaseLedger(() => openLone(options));
}

/** Carries requests out, at times of the test's own, so that ledgers with different clocks answer alike. */
async function carryOut(
  ledger: FleetLedger,
  name: string,
  requests: readonly { readonly request: FleetRequest; readonly now: number }[],
): Promise<FleetReply[]> {
  const replies: FleetReply[] = [];
  for (const { request, now } of requests) replies.push(await ledger.transact(name, (state) => step(state, request, now, 'a'), signal()));
  return replies;
}

function signal(): AbortSignal {
  return AbortSignal.timeout(60_000);
}

/** Counts up in the state itself: what is lost is missed. */
async function countUp(ledger: FleetLedger, name: string, member: string, times: number): Promise<void> {
  for (let seq = 1; seq <= times; seq += 1) {
    await ledger.transact(name, (state, now, identity) => step(state, requestOf({ id: member, seq }), now, identity), signal());
  }
}

async function seqsOf(ledger: FleetLedger, name: string): Promise<Record<string, number>> {
  let seen: FleetState | undefined;
  await ledger.transact(
    name,
    (state) => {
      seen = state;
      return { state: state as FleetState, reply: undefined };
    },
    signal(),
  );
  return Object.fromEntries([...(seen as FleetState).members].map(([id, { seq }]) => [id, seq]));
}

describe.each([
  ['Redis', () => redisLedger({ url: redis.url })],
  ['the database', () => inDatabase()],
] as const)('the ledger in %s', (_where, open) => {
  it('answers as the one in memory does, for any request', async () => {
    for (const seed of [1, 2, 3]) {
      const requests = randomRequests(seed, 60);
      const ledger = open();
      const name = `same ${seed}`;
      const [here, there] = [new MemoryLedger(() => 0), ledger];
      expect(await carryOut(there, name, requests)).toEqual(await carryOut(here, name, requests));
      await ledger.close();
    }
  });

  it('loses nothing when many members ask at once, each over a connection of its own', async () => {
    const members = ['a', 'b', 'c', 'd'];
    const ledgers = members.map(() => open());
    await Promise.all(ledgers.map((ledger, index) => countUp(ledger, 'many', members[index] as string, 25)));
    expect(await seqsOf(ledgers[0] as FleetLedger, 'many')).toEqual({ a: 25, b: 25, c: 25, d: 25 });
    await Promise.all(ledgers.map((ledger) => ledger.close()));
  });

  it('gives its own time, which advances, and its identity, which stays', async () => {
    const ledger = open();
    const look = (): Promise<{ now: number; identity: string }> =>
      ledger.transact(
        'time',
        (state, now, identity) => ({ ...step(state, requestOf({}), now, identity), reply: { now, identity } }),
        signal(),
      );
    const first = await look();
    const second = await look();
    expect(second.now).toBeGreaterThanOrEqual(first.now);
    expect(Math.abs(second.now - Date.now())).toBeLessThan(3_600_000);
    expect(first.identity).not.toBe('');
    expect(second.identity).toBe(first.identity);
    await ledger.close();
  });

  it('takes names with quotes, backslashes and signs of other scripts', async () => {
    const ledger = open();
    const name = `läden 'a' "b" \\ {c} 店 🛒`;
    await countUp(ledger, name, 'a', 2);
    expect(await seqsOf(ledger, name)).toEqual({ a: 2 });
    await ledger.close();
  });

  it('gives up when its caller does', async () => {
    const ledger = open();
    const reason = new Error('enough');
    await expect(
      ledger.transact('given up', (state, now, identity) => step(state, requestOf({}), now, identity), AbortSignal.abort(reason)),
    ).rejects.toBe(reason);
    await ledger.close();
  });
});

describe('the ledger in Redis', () => {
  it('learns again what it cannot read', async () => {
    await using client = disposable(new Redis(redis.url));
    await client.redis.hset(keyOf('broken'), { token: 'x', state: '{"form":' });
    const ledger = redisLedger({ url: redis.url });
    const reply = await ledger.transact('broken', (state, now, identity) => step(state, requestOf({}), now, identity), signal());
    expect(reply).toMatchObject({ learning: true });
    await ledger.close();
  });

  it('names what its user must be allowed', async () => {
    await using client = disposable(new Redis(redis.url));
    await client.redis.acl('SETUSER', 'narrow', 'on', '>secret', '~*', '+@all', '-info');
    const ledger = redisLedger({ url: redis.url, username: 'narrow', password: 'secret' });
    const asked = ledger.transact('narrow', (state, now, identity) => step(state, requestOf({}), now, identity), signal());
    await expect(asked).rejects.toThrow(/Allow it: .*\+info/u);
    await client.redis.acl(
      'SETUSER',
      'narrow',
      'reset',
      'on',
      '>secret',
      '~poolwright:fleet:*',
      '+eval',
      '+evalsha',
      '+time',
      '+info',
      '+hmget',
      '+hset',
      '+pexpire',
    );
    await countUp(ledger, 'narrow', 'a', 1);
    await ledger.close();
  });

  it('is another one after a restart: a member that holds more than is known keeps it, nothing new is granted', async () => {
    await using own = await startRedis();
    const ledger = redisLedger({ url: own.url });
    const ask = (seq: number, committed: number, wanted: number): Promise<FleetReply> =>
      ledger.transact(
        'restarted',
        (state, now, identity) => step(state, requestOf({ seq, committed, open: committed, wanted }), now, identity),
        signal(),
      );
    await ask(1, 2, 2);
    await own.restart();
    const reply = await waitFor('an answer after the restart', () => ask(2, 7, 20));
    expect(reply).toMatchObject({ learning: true, lease: 7 });
    await ledger.close();
  });

  it('works in a cluster', async () => {
    await using cluster = await startRedisCluster();
    const ledger = redisLedger({ url: cluster.url });
    await countUp(ledger, 'clustered', 'a', 3);
    expect(await seqsOf(ledger, 'clustered')).toEqual({ a: 3 });
    await ledger.close();
  });

  it('follows Sentinel to the new master, which is another ledger', async () => {
    await using group = await startSentinelGroup();
    const ledger = redisLedger({ url: group.url });
    const identity = (): Promise<string> =>
      ledger.transact(
        'failed over',
        (state, now, who) => ({ ...step(state, requestOf({}), now, who), reply: who }),
        AbortSignal.timeout(2_000),
      );
    const first = await waitFor('the first answer', identity);
    const old = await group.masterPort();
    await group.servers.find(({ port }) => port === old)?.kill('SIGKILL');
    expect(await waitFor('an answer of the new master', identity)).not.toBe(first);
    await ledger.close();
  });
});

describe('the ledger in the database', () => {
  it('makes its table, and says how to make it where the account may not', async () => {
    await using other = await createDatabase();
    const user = `fleet_${other.user.slice(-8)}`;
    await other.admin(`CREATE USER '${user}'@'%' IDENTIFIED BY 'x'`);
    await other.admin(`GRANT SELECT ON ${other.database}.* TO '${user}'@'%'`);
    const ledger = inDatabase(other, { user, password: 'x' });
    const ask = (): Promise<FleetReply> =>
      ledger.transact('narrow', (state, now, identity) => step(state, requestOf({}), now, identity), signal());
    await expect(ask()).rejects.toThrow(/CREATE TABLE IF NOT EXISTS poolwright_fleet .*GRANT SELECT, INSERT, UPDATE/su);
    await other.admin(FLEET_TABLE);
    await expect(ask()).rejects.toThrow(/GRANT SELECT, INSERT, UPDATE/u);
    await other.admin(`GRANT INSERT, UPDATE ON ${other.database}.poolwright_fleet TO '${user}'@'%'`);
    expect(await ask()).toMatchObject({ learning: true });
    await ledger.close();
    await other.admin(`DROP USER '${user}'@'%'`);
  });

  it('stores at once and in UTC, no matter what the sessions of the server begin with', async () => {
    const options = resolveOptions({ target: database.connection }, 'own', {});
    const ledger = databaseLedger(async () => {
      const connection = await openLone(options);
      await connection.rows(
        "SET SESSION autocommit = 0, SESSION time_zone = '+05:00', SESSION sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES'",
      );
      await connection.rows('SET SESSION TRANSACTION READ ONLY');
      await connection.rows('SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE');
      return connection;
    });
    await countUp(ledger, 'odd session', 'a', 2);
    const other = inDatabase();
    expect(await seqsOf(other, 'odd session')).toEqual({ a: 2 });
    await Promise.all([ledger.close(), other.close()]);
  });

  it('connects again when its connection was killed', async () => {
    const ledger = inDatabase();
    await countUp(ledger, 'killed', 'a', 1);
    await database.killConnections();
    await waitFor('an answer over a new connection', async () => {
      await ledger.transact('killed', (state, now, identity) => step(state, requestOf({ seq: 2 }), now, identity), signal());
      return true;
    });
    expect(await seqsOf(ledger, 'killed')).toEqual({ a: 2 });
    await ledger.close();
  });
});

function disposable(redis_: Redis): AsyncDisposable & { readonly redis: Redis } {
  return { redis: redis_, [Symbol.asyncDispose]: async () => void (await redis_.quit()) };
}
