import { deepStrictEqual } from 'node:assert/strict';
import { join } from 'node:path';
import { createPool } from 'poolwright';
import { createQueryCache, type QueryCache, type QueryCacheOptions } from 'poolwright/cache';
import { requireExecutable } from '../../../dist/demo/find-executable.js';
import { freePort } from '../../../dist/demo/free-port.js';
import { startServerProcess } from '../../../dist/demo/server-process.js';
import { createTemporaryFolder } from '../../../dist/demo/temporary-folder.js';
import { ACCOUNTS, accountOf, SMALL_COLUMNS } from '../data.js';
import { seededRandom } from '../runner/shuffle.js';
import type { Case, CreateContestant, Scenario } from '../scenario.js';
import { costOf, inParallel, turnsOf } from './timing.js';

const SIZE = 20;
const CALLERS = 200;
const HOT_ROWS = 500;
/** Callers who do nothing but read keep Node from hearing of anything else; a service that answers requests does not. */
const BOUND_MS = 10_000;
/** Longer than a run: nothing is loaded anew. */
const TTL_MS = 3_600_000;

type Question = 'small row' | 'aggregate';

interface CacheCase extends Case {
  readonly question: Question;
}

const SQL: Readonly<Record<Question, string>> = {
  'small row': `SELECT ${SMALL_COLUMNS} FROM accounts WHERE id = ?`,
  aggregate: 'SELECT COUNT(*) AS accounts, SUM(balance) AS total, AVG(LENGTH(name)) AS mean FROM accounts WHERE id > ?',
};

export const cache: Scenario<CacheCase> = {
  name: 'cache',
  title: 'Query cache',
  about: `The same reads by ${CALLERS} callers over ${SIZE} connections: with both tiers, with Redis alone, without a cache, and with a cache that is not asked.`,
  heldFixed: [
    'MariaDB and Redis on the same machine, over loopback without TLS, sharing its processors with the clients. Every contestant has a Redis of its own, or none.',
    `Small row: three columns by primary key, ${HOT_ROWS} different rows at random. Aggregate: over all ${ACCOUNTS} rows, one result.`,
    'Everything is in the cache before a measurement begins, and stays there. Each answer is checked.',
    '`not asked`: the cache is attached to the pool, with both tiers; the statements do not ask for it.',
  ],
  cases: [
    { name: 'small row', question: 'small row', quick: true },
    { name: 'aggregate', question: 'aggregate' },
  ],
  metrics: {
    time: { label: 'time per read', unit: 'ns', compared: true, rate: 'reads' },
    cpu: { label: 'CPU per read', unit: 'ns', compared: true },
  },
  ours: ['both tiers'],
  limits: [],
  rounds: 5,
  warmUpRounds: 1,
  contestants: {
    'both tiers': contestant({}, true),
    'Redis alone': contestant({ memory: false }, true),
    'no cache': contestant(undefined, false),
    'not asked': contestant({}, false),
  },
};

function contestant(options: QueryCacheOptions | undefined, asked: boolean): CreateContestant<CacheCase> {
  return async ({ database: { host, port, user, password, database } }) => {
    const redis = options === undefined ? undefined : await startRedis();
    const queryCache =
      redis === undefined
        ? undefined
        : createQueryCache({ ...options, redis: { url: redis.url, timeout: 1_000 }, invalidationBound: BOUND_MS });
    const pool = createPool({
      host,
      port,
      user,
      password,
      database,
      connectionLimit: SIZE,
      ...(queryCache === undefined ? {} : { cache: queryCache }),
    });
    await queryCache?.ready();
    const ask = async (question: Question, id: number): Promise<void> => {
      const statement = { sql: SQL[question], values: [question === 'aggregate' ? 0 : id] };
      const [rows] = await pool.query(asked ? { ...statement, cache: { ttl: TTL_MS } } : statement);
      const [row] = rows as Readonly<Record<string, unknown>>[];
      if (question === 'aggregate' ? row?.['accounts'] !== ACCOUNTS : row?.['id'] !== id)
        throw new Error(`wrong answer to ${statement.sql}`);
    };
    return {
      async run({ question }, { number, scale }) {
        const random = seededRandom(number);
        const nextId = (): number => 1 + Math.floor(random() * HOT_ROWS);
        const warmUps = question === 'aggregate' ? 1 : HOT_ROWS;
        for (let id = 1; id <= warmUps; id += 1) await ask(question, id);
        const [rows] = await pool.query(SQL['small row'], [7]);
        deepStrictEqual({ ...(rows as object[])[0] }, accountOf(7));
        const before = queryCache?.stats();
        const each = turnsOf(operationsOf(question, asked), CALLERS, scale);
        const cost = await costOf(each * CALLERS, () => inParallel(CALLERS, each, () => ask(question, nextId())));
        expectHits(queryCache, before, asked ? each * CALLERS : 0);
        return { ...cost };
      },
      async close() {
        await pool.end();
        queryCache?.close();
        await redis?.stop();
      },
    };
  };
}

function operationsOf(question: Question, asked: boolean): number {
  if (asked) return 40_000;
  return question === 'aggregate' ? 400 : 4_000;
}

/** A cache that answers from the database would be measured as a database. Callers of one moment share what is asked of Redis. */
function expectHits(queryCache: QueryCache | undefined, before: ReturnType<QueryCache['stats']> | undefined, reads: number): void {
  if (queryCache === undefined || before === undefined) return;
  const { hits, misses, bypassed, coalesced } = queryCache.stats();
  const served = hits.memory + hits.redis + coalesced - before.hits.memory - before.hits.redis - before.coalesced;
  if (served !== reads || misses !== before.misses || bypassed !== before.bypassed)
    throw new Error(
      `${served} of ${reads} reads came from the cache; ${misses - before.misses} were loaded, ${bypassed - before.bypassed} passed it by`,
    );
}

/** A Redis of this contestant, in memory only. */
async function startRedis(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const command = await requireExecutable('redis-server', ['redis-server']);
  const folder = createTemporaryFolder('poolwright-bench-redis');
  const port = await freePort('127.0.0.1');
  const server = await startServerProcess({
    command,
    arguments: ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder.path, '--save', '', '--appendonly', 'no'],
    logPath: join(folder.path, 'redis.log'),
    cwd: folder.path,
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      await server.stop('SIGTERM', 5_000);
      await folder.remove();
    },
  };
}
