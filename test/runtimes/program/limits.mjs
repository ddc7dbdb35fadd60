/** Checks of cancellation: signals, time-outs and kills, and what waits. */
import { strict as assert } from 'node:assert';
import { createPool } from 'poolwright';
import { withDeadline } from 'poolwright/resilience';
import { check, connectionOptions, errorOf, until } from './checks.mjs';

/** Whether the server still runs a statement with this mark in it. */
async function runs(pool, mark) {
  const [[row]] = await pool.query('SELECT COUNT(*) AS n FROM information_schema.processlist WHERE info LIKE ? AND info NOT LIKE ?', [
    `%${mark}%`,
    '%processlist%',
  ]);
  return row.n > 0;
}

check('an AbortSignal ends a running statement on the server', async () => {
  const pool = createPool(connectionOptions({ connectionLimit: 2 }));
  const aborting = new AbortController();
  const failed = errorOf(pool.query({ sql: 'SELECT SLEEP(600) AS signal_mark', signal: aborting.signal }));
  await until(() => runs(pool, 'signal_mark'), Boolean);
  const reason = new Error('the caller has gone');
  aborting.abort(reason);
  const error = await failed;
  assert.ok(error.name === 'AbortError' || error === reason || error.cause === reason, String(error));
  await until(
    () => runs(pool, 'signal_mark'),
    (still) => !still,
  );
  await pool.end();
});

check('a timeout ends a running statement on the server', async () => {
  const pool = createPool(connectionOptions({ connectionLimit: 2 }));
  // With an open connection: the time counts from the call.
  await pool.query('SELECT 1');
  const error = await errorOf(pool.query({ sql: 'SELECT SLEEP(600) AS timeout_mark', timeout: 100 }));
  assert.equal(error.code, 'POOL_QUERY_TIMEOUT');
  await until(
    () => runs(pool, 'timeout_mark'),
    (still) => !still,
  );
  const prepared = await errorOf(pool.execute({ sql: 'SELECT SLEEP(?) AS timeout_mark', values: [600], timeout: 100 }));
  assert.equal(prepared.code, 'POOL_QUERY_TIMEOUT');
  await until(
    () => runs(pool, 'timeout_mark'),
    (still) => !still,
  );
  await pool.end();
});

check('the connection of a killed statement is used again', async () => {
  const pool = createPool(connectionOptions({ connectionLimit: 1 }));
  const [[{ id }]] = await pool.query('SELECT CONNECTION_ID() AS id');
  await errorOf(pool.query({ sql: 'SELECT SLEEP(600)', timeout: 50 }));
  const [[after]] = await pool.query('SELECT CONNECTION_ID() AS id');
  assert.equal(after.id, id);
  await pool.end();
});

check('AbortSignal.timeout() and AbortSignal.any()', async () => {
  const pool = createPool(connectionOptions());
  const signal = AbortSignal.any([AbortSignal.timeout(100), new AbortController().signal]);
  const error = await errorOf(pool.transaction((tx) => tx.query('SELECT SLEEP(600)'), { signal }));
  assert.ok(['AbortError', 'TimeoutError'].includes(error.name) || error.code?.startsWith('POOL_'), `${error.name} ${error.code}`);
  const [[row]] = await pool.query('SELECT 1 AS n');
  assert.equal(row.n, 1);
  await pool.end();
});

check('acquireTimeout, and a signal, of a caller who waits', async () => {
  const pool = createPool(connectionOptions({ connectionLimit: 1 }));
  const held = await pool.getConnection();
  assert.equal((await errorOf(pool.getConnection({ timeout: 50 }))).code, 'POOL_ACQUIRE_TIMEOUT');
  const aborting = new AbortController();
  const waits = errorOf(pool.getConnection({ signal: aborting.signal }));
  aborting.abort();
  assert.ok(await waits);
  held.release();
  await pool.end();
});

check('withDeadline', async () => {
  const pool = createPool(connectionOptions());
  const error = await errorOf(withDeadline(100, () => pool.query('SELECT SLEEP(600)')));
  assert.match(error.code ?? error.name, /DEADLINE|TIMEOUT|Abort/i);
  await pool.end();
});

check('a lost connection is reported and replaced', async () => {
  const pool = createPool(connectionOptions({ connectionLimit: 2 }));
  const victim = await pool.getConnection();
  const [[{ id }]] = await victim.query('SELECT CONNECTION_ID() AS id');
  const lost = errorOf(victim.query('SELECT SLEEP(600)'));
  await pool.query('KILL CONNECTION ?', [id]);
  assert.equal((await lost).code, 'POOL_CONNECTION_LOST');
  victim.release();
  const answers = await Promise.all([1, 2, 3, 4].map((n) => pool.query('SELECT ? AS n', [n])));
  assert.deepEqual(
    answers.map(([[row]]) => row.n),
    [1, 2, 3, 4],
  );
  await pool.end();
});

check('drain waits for what runs; end closes', async () => {
  const pool = createPool(connectionOptions());
  const running = pool.query('SELECT SLEEP(0.3) AS slept');
  await until(
    () => pool.stats().used,
    (used) => used === 1,
  );
  const drained = pool.drain({ timeout: 30_000 });
  assert.equal((await errorOf(pool.query('SELECT 1'))).code, 'POOL_DRAINING');
  const [[row]] = await running;
  assert.equal(row.slept, 0);
  await drained;
  assert.equal(pool.stats().total, 0);
  assert.equal((await errorOf(pool.query('SELECT 1'))).code, 'POOL_CLOSED');
});
