import { setTimeout as delay } from 'node:timers/promises';
import { createPool, type Pool } from 'poolwright';
import { createQueryCache, type QueryCache } from 'poolwright/cache';
import { ACCOUNTS } from '../../data.js';
import type { Address, Case, CreateContestant, Scenario } from '../../scenario.js';

const SIZE = 8;
const READERS = 2;
const WRITERS = 4;
const ROUND_MS = 2_000;

interface WritesCase extends Case {
  /** Of all writers together. */
  readonly writesPerSecond: number;
}

export const cacheWrites: Scenario<WritesCase> = {
  name: 'cache-writes',
  title: 'Query cache among writes',
  about: `${READERS} callers read one row without pause while ${WRITERS} others write to another table at a fixed rate, over ${SIZE} connections.`,
  heldFixed: [
    'MariaDB on the same machine, over loopback. The cache is in memory; the row that is read is never written.',
    '`after a CALL`: each round begins with a CALL, which may have changed anything. `at start`: each round begins with a new pool and a new cache. `not asked`: the reads do not use the cache.',
    'A metric that does not apply (hits without a cache, the time of a write without writes) is omitted.',
  ],
  cases: [
    { name: 'no writes', writesPerSecond: 0, quick: true },
    { name: '10 writes/s', writesPerSecond: 10 },
    { name: '100 writes/s', writesPerSecond: 100 },
    { name: '1 000 writes/s', writesPerSecond: 1_000 },
    { name: 'as many writes as possible', writesPerSecond: Number.POSITIVE_INFINITY, quick: true },
  ],
  metrics: {
    read: { label: 'time per read', unit: 'ns', compared: true, rate: 'reads' },
    write: { label: 'time per write', unit: 'ns', compared: true, rate: 'writes' },
    hits: { label: 'reads that were hits', unit: 'percent' },
  },
  ours: ['with a cache', 'after a CALL', 'at start', 'not asked'],
  limits: [],
  rounds: 5,
  warmUpRounds: 1,
  contestants: {
    'with a cache': contestant('cached'),
    'after a CALL': contestant('after a CALL'),
    'at start': contestant('at start'),
    'not asked': contestant('not asked'),
    'no cache': contestant('no cache'),
  },
};

type Kind = 'cached' | 'after a CALL' | 'at start' | 'not asked' | 'no cache';

interface Opened {
  readonly pool: Pool;
  readonly cache: QueryCache | undefined;
}

function open({ host, port, user, password, database }: Address, kind: Kind): Opened {
  const cache = kind === 'no cache' ? undefined : createQueryCache({ defaults: { ttl: 600_000 } });
  const pool = createPool({ host, port, user, password, database, connectionLimit: SIZE, ...(cache === undefined ? {} : { cache }) });
  return { pool, cache };
}

function contestant(kind: Kind): CreateContestant<WritesCase> {
  return async ({ database, id }) => {
    let opened = open(database, kind);
    const written = `written_${id}`;
    const nothing = `nothing_${id}`;
    await opened.pool.query(`CREATE TABLE ${written} (id INT PRIMARY KEY, v INT NOT NULL)`);
    await opened.pool.query(`INSERT INTO ${written} VALUES ${Array.from({ length: WRITERS }, (_, writer) => `(${writer}, 0)`).join(', ')}`);
    await opened.pool.query(`CREATE PROCEDURE ${nothing}() BEGIN END`);
    return {
      async run({ writesPerSecond }, { scale }) {
        if (kind === 'at start') {
          await opened.pool.end();
          opened = open(database, kind);
        }
        if (kind === 'after a CALL') await opened.pool.query(`CALL ${nothing}()`);
        return await measure(opened, kind, written, writesPerSecond, ROUND_MS * scale);
      },
      close: () => opened.pool.end(),
    };
  };
}

async function measure(
  { pool, cache }: Opened,
  kind: Kind,
  written: string,
  rate: number,
  lastsMs: number,
): Promise<Record<string, number>> {
  const before = cache?.stats().hits.memory ?? 0;
  const beganAt = performance.now();
  const endsAt = beganAt + lastsMs;
  let reads = 0;
  let writes = 0;
  let readMs = 0;
  let writeMs = 0;
  const asks = kind !== 'not asked' && kind !== 'no cache';
  const read = async (): Promise<void> => {
    for (let at = performance.now(); at < endsAt; ) {
      const sql = `SELECT id, name, balance FROM accounts WHERE id = ${ACCOUNTS}`;
      const [rows] = await (asks ? pool.query({ sql, cache: true }) : pool.query(sql));
      if ((rows as { id: number }[])[0]?.id !== ACCOUNTS) throw new Error('the row is another one');
      const now = performance.now();
      reads += 1;
      readMs += now - at;
      at = now;
    }
  };
  const write = async (writer: number): Promise<void> => {
    for (let number = 0; performance.now() < endsAt; number += 1) {
      const dueAt = beganAt + ((number * WRITERS + writer) * 1_000) / rate;
      if (dueAt >= endsAt) return;
      if (dueAt > performance.now()) await delay(dueAt - performance.now());
      const at = performance.now();
      await pool.query(`UPDATE ${written} SET v = v + 1 WHERE id = ?`, [writer]);
      writes += 1;
      writeMs += performance.now() - at;
    }
  };
  const writers = rate === 0 ? 0 : WRITERS;
  await Promise.all([...Array.from({ length: READERS }, read), ...Array.from({ length: writers }, (_, writer) => write(writer))]);
  return {
    read: (readMs / reads) * 1e6,
    ...(writes === 0 ? {} : { write: (writeMs / writes) * 1e6 }),
    ...(cache === undefined ? {} : { hits: ((cache.stats().hits.memory - before) / reads) * 100 }),
  };
}
