import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type BuiltPackage, buildPackage } from '../mysql/support/built-package.js';
import { createLedger, ledgerIds } from '../mysql/support/ledger.js';
import { openPool, valueOf } from '../support/pool-on-database.js';
import { captureUncaught } from '../mysql/support/uncaught.js';
import { createDatabase } from '../support/servers/database.js';
import { waitFor } from '../support/wait-for.js';
import { expectServedAgain, expectWhole, openFaulty, tally } from './support/fault.js';

let built: BuiltPackage;

beforeAll(async () => {
  built = await buildPackage();
});

afterAll(async () => {
  await built[Symbol.asyncDispose]();
});

/** Keeps the event loop from turning. */
function stall(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

describe('I10: SIGTERM under load', () => {
  it('finishes what has begun, refuses what comes then, says goodbye, and ends the process by itself', async () => {
    await using database = await createDatabase();
    await createLedger(database);
    const ending = await built.run(
      `const pool = poolwright.createPool(process.env.DATABASE_URL, { connectionLimit: 10 });
       const counts = {};
       const written = [];
       let next = 0;
       let stopped = false;
       const write = async () => {
         const id = (next += 1);
         try {
           if (id % 2 === 0) await pool.query('INSERT INTO ledger VALUES (?, NULL)', [id]);
           else await pool.transaction(async (tx) => {
             await tx.query('SELECT SLEEP(0.01)');
             await tx.query('INSERT INTO ledger VALUES (?, NULL)', [id]);
           });
           written.push(id);
         } catch (error) {
           counts[error.code] = (counts[error.code] ?? 0) + 1;
           if (error.code === 'POOL_DRAINING' || error.code === 'POOL_CLOSED') return false;
         }
         return true;
       };
       const callers = Array.from({ length: 100 }, async () => { while (await write()); });
       process.once('SIGTERM', async () => {
         const report = await pool.drain({ timeout: 10_000 });
         await Promise.all(callers);
         print(JSON.stringify({ report, counts, ids: written, state: pool.stats().state }));
       });
       setTimeout(() => process.kill(process.pid, 'SIGTERM'), 400);`,
      { DATABASE_URL: database.url({ parameters: { ssl: 'false' } }) },
    );
    expect(ending).toMatchObject({ code: 0, signal: null, stderr: '' });
    const { report, counts, ids, state } = JSON.parse(ending.lines[0] ?? '') as {
      report: { complete: boolean; durationMs: number; cutOff: unknown[]; refused: number };
      counts: Record<string, number>;
      ids: number[];
      state: string;
    };
    console.log(`SIGTERM under load: drained in ${Math.round(report.durationMs)} ms, ${ids.length} writes; refusals:`, counts);
    expect(report).toMatchObject({ complete: true, cutOff: [], refused: 0 });
    expect(state).toBe('closed');
    // Each of a hundred callers is refused once, and no caller for another reason.
    expect(Object.keys(counts).filter((code) => code !== 'POOL_DRAINING' && code !== 'POOL_CLOSED')).toEqual([]);
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(100);
    expect(await ledgerIds(database)).toEqual(ids.toSorted((a, b) => a - b));
    await waitFor('no connection', async () => (await database.serverConnections()) === 0);
  });
});

describe('I2: an event loop that is stalled for seconds', () => {
  it('has every call end afterwards, with its answer or with a code, and the pool serves on', async () => {
    using uncaught = captureUncaught();
    await using patient = await openFaulty({ connectionLimit: 5 });
    await patient.pool.query('SELECT 1');
    const answers = tally(Array.from({ length: 20 }, () => patient.pool.query('SELECT SLEEP(0.01)')));
    stall(1_000);
    // No caller's time was up: the callers have lost nothing but time.
    expect(await answers).toEqual({ ok: 20 });

    await using fault = await openFaulty({ connectionLimit: 5, acquireTimeout: 1_500, validationTimeout: 800, connectTimeout: 1_000 });
    const { pool } = fault;
    await waitFor('a connection', () => valueOf(pool, '1'));
    const calls = [
      ...Array.from({ length: 20 }, () => pool.query('SELECT SLEEP(0.01)')),
      ...Array.from({ length: 20 }, () => pool.execute('SELECT SLEEP(0.01)')),
      ...Array.from({ length: 20 }, () => pool.transaction((tx) => tx.query('SELECT 1'))),
      ...Array.from({ length: 20 }, () => pool.query({ sql: 'SELECT SLEEP(0.01)', timeout: 500 })),
    ];
    // So that some are under way.
    await new Promise((resolve) => setImmediate(resolve));
    stall(3_000);
    const stalledUntil = performance.now();
    const counts = await tally(calls);
    console.log('a stall of 3 s: outcomes:', counts);
    const codes = ['ok', 'POOL_ACQUIRE_TIMEOUT', 'POOL_QUERY_TIMEOUT', 'POOL_CONNECT_FAILED'];
    expect(Object.keys(counts).filter((code) => !codes.includes(code))).toEqual([]);
    await expectServedAgain(pool, 'after a stall of 3 s', stalledUntil);
    await expectWhole(fault);
    expect(uncaught.errors).toEqual([]);
  });
});

describe('a clock that is stepped', () => {
  it.each([-86_400_000, 86_400_000])('by %i ms changes nothing: no connection is retired, no deadline passes', async (stepMs) => {
    await using fixture = await openPool({ connectionLimit: 5, keepaliveInterval: 100 });
    const { pool } = fixture;
    await Promise.all(Array.from({ length: 5 }, () => pool.query('SELECT SLEEP(0.02)')));
    const { opened } = pool.stats();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + stepMs });
    try {
      expect(Math.abs(Date.now() - performance.timeOrigin - performance.now())).toBeGreaterThan(80_000_000);
      const calls = Array.from({ length: 50 }, (_, index) => valueOf(pool, String(index)));
      expect(await Promise.all(calls)).toEqual(Array.from({ length: 50 }, (_, index) => index));
      expect(await tally([pool.query({ sql: 'SELECT SLEEP(5)', timeout: 100 })])).toEqual({ POOL_QUERY_TIMEOUT: 1 });
      const { pings } = pool.stats();
      await waitFor('some turns of the housekeeper', () => pool.stats().pings >= pings + 10);
      expect(pool.stats()).toMatchObject({ opened, closed: 0, timedOut: 0 });
      await expectServedAgain(pool, 'after a step of the clock', performance.now());
    } finally {
      vi.useRealTimers();
    }
    await expectWhole(fixture);
  });
});
