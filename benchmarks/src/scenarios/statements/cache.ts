import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createPool } from 'poolwright';
import { createQueryCache, type QueryCache, type QueryCacheOptions } from 'poolwright/cache';
import { requireExecutable } from '../../../../dist/demo/find-executable.js';
import { freePort } from '../../../../dist/demo/free-port.js';
import { startServerProcess } from '../../../../dist/demo/server-process.js';
import { createTemporaryFolder } from '../../../../dist/demo/temporary-folder.js';
import { ACCOUNTS } from '../../data.js';
import { seededRandom } from '../../runner/shuffle.js';
import type { Case, CreateContestant, Scenario } from '../../scenario.js';
import {
  cachedStatementOf,
  cacheOptionsOf,
  CALLERS,
  type CacheSettings,
  differentAnswers,
  expectAnswer,
  HOT_ROWS,
  type Question,
  statementOf,
} from './cache-questions.js';
import { costOf, inParallel, turnsOf } from '../timing.js';

const SIZE = 20;

interface CacheCase extends Case {
  readonly question: Question;
  /** Callers of one moment may want the same, and then share what is asked of Redis. */
  readonly hot: boolean;
}

export const cache: Scenario<CacheCase> = {
  name: 'cache',
  title: 'Query cache',
  about: `The same reads by ${CALLERS} callers over ${SIZE} connections: with both tiers, with Redis alone, without a cache, and with a cache that the statements do not use.`,
  heldFixed: [
    'MariaDB and Redis on the same machine, over loopback without TLS, sharing its processors with the clients. Each contestant that uses Redis has its own Redis.',
    `Small row: three columns by primary key, ${HOT_ROWS} different rows at random. Aggregate: over all ${ACCOUNTS} rows; either the same one for all callers, or a different one for each caller, so that no two callers share an answer from Redis.`,
    'Another process filled Redis beforehand and has ended. The measured process never asks the database for values that it reads from the cache. Each answer and its origin are checked.',
    '`not asked`: the cache is attached to the pool, with both tiers, but the statements do not use it.',
  ],
  cases: [
    { name: 'small row', question: 'small row', hot: true, quick: true },
    { name: 'aggregate, a hot one', question: 'aggregate', hot: true, quick: true },
    { name: 'aggregate, one for each caller', question: 'aggregate', hot: false },
  ],
  metrics: {
    time: { label: 'time per read', unit: 'ns', compared: true, rate: 'reads' },
    cpu: { label: 'CPU per read', unit: 'ns', compared: true },
  },
  ours: ['both tiers', 'Redis alone'],
  limits: [],
  rounds: 5,
  warmUpRounds: 1,
  contestants: {
    'both tiers': contestant({}, 'memory'),
    'Redis alone': contestant({ memory: false }, 'redis'),
    'no cache': contestant(undefined, 'database'),
    'not asked': contestant({}, 'database'),
  },
};

/** @param source where the answers must come from */
function contestant(options: QueryCacheOptions | undefined, source: 'memory' | 'redis' | 'database'): CreateContestant<CacheCase> {
  return async ({ database: { host, port, user, password, database } }) => {
    const address = { host, port, user, password, database };
    const redis = options === undefined ? undefined : await startRedis();
    if (redis !== undefined && source !== 'database') await fillInAnotherProcess({ database: address, redisUrl: redis.url });
    const queryCache = redis === undefined ? undefined : createQueryCache({ ...cacheOptionsOf(redis.url), ...options });
    const pool = createPool({ ...address, connectionLimit: SIZE, ...(queryCache === undefined ? {} : { cache: queryCache }) });
    await queryCache?.ready();
    const ask = async (question: Question, number: number): Promise<void> => {
      const [rows] = await pool.query(source === 'database' ? statementOf(question, number) : cachedStatementOf(question, number));
      expectAnswer(question, number, rows);
    };
    return {
      async run({ question, hot }, { number: round, scale }) {
        for (let number = 1; number <= differentAnswers(question); number += 1) await ask(question, number);
        const random = seededRandom(round);
        const numberFor = (caller: number): number => {
          if (question === 'small row') return 1 + Math.floor(random() * HOT_ROWS);
          return hot ? 1 : 1 + caller;
        };
        const before = queryCache?.stats();
        const each = turnsOf(operationsOf(question, source), CALLERS, scale);
        const cost = await costOf(each * CALLERS, () => inParallel(CALLERS, each, (caller) => ask(question, numberFor(caller))));
        if (queryCache !== undefined && before !== undefined) expectSource(source, hot, each * CALLERS, before, queryCache);
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

function operationsOf(question: Question, source: 'memory' | 'redis' | 'database'): number {
  if (source === 'memory') return 400_000;
  return question === 'aggregate' && source === 'database' ? 400 : 40_000;
}

/** A cache that answers from the database would be measured as a database. Callers of one moment share what is asked of Redis. */
function expectSource(
  source: 'memory' | 'redis' | 'database',
  hot: boolean,
  reads: number,
  before: ReturnType<QueryCache['stats']>,
  queryCache: QueryCache,
): void {
  const { hits, misses, loads, bypassed, coalesced } = queryCache.stats();
  const memory = hits.memory - before.hits.memory;
  const shared = coalesced - before.coalesced;
  const redis = hits.redis - before.hits.redis + shared;
  const expected = { memory: source === 'memory' ? reads : 0, redis: source === 'redis' ? reads : 0 };
  const isRight = memory === expected.memory && redis === expected.redis && (hot || shared === 0) && misses + loads + bypassed === 0;
  if (isRight) return;
  throw new Error(
    `of ${reads} reads that must come from ${source}, ${memory} came from memory and ${redis} from Redis (${shared} shared with another caller); the process has loaded ${loads} and passed the cache by for ${bypassed}`,
  );
}

async function fillInAnotherProcess(settings: CacheSettings): Promise<void> {
  const child = fork(fileURLToPath(new URL('./cache-filler.js', import.meta.url)));
  let filled = false;
  child.once('message', () => {
    filled = true;
  });
  const ended = once(child, 'exit');
  child.send(settings);
  await ended;
  if (!filled) throw new Error('the process that fills the cache has failed');
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
