import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/engine/contract/errors.js';
import { createDatabase } from '../../support/servers/database.js';
import { startTcpProxy } from '../../support/network/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { borrowByCallback, connectionId, errorOf, openPool, poolOf, valueOf } from '../../support/pool-on-database.js';
import { captureUncaught } from '../support/uncaught.js';
import { sequence } from '../../support/sql-servers/sequence.js';

/** Resolves when the pool has noticed that a connection of its own has failed. */
function noticed(pool: { watch(event: 'failed', listener: () => void): () => void }): Promise<void> {
  return new Promise((resolve) => {
    const stop = pool.watch('failed', () => {
      stop();
      resolve();
    });
  });
}

describe('I7: a connection that the server closes', () => {
  it('while it is idle is taken out, and no caller sees an error', async () => {
    await using fixture = await openPool({ connectionLimit: 3 });
    const { pool, database } = fixture;
    await Promise.all([1, 2, 3].map(() => pool.query('SELECT SLEEP(0.01)')));
    const failed = noticed(pool);
    await database.killConnections();
    await failed;

    const answers = await Promise.all([1, 2, 3, 4, 5].map((number) => valueOf(pool, String(number))));
    expect(answers).toEqual([1, 2, 3, 4, 5]);
    expect(pool.stats().closedByReason.lost).toBeGreaterThan(0);
    expect(pool.stats()).toMatchObject({ used: 0, waiting: 0 });
  });

  it('while it is idle and unnoticed is found out by the ping before it is lent', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    await using pool = poolOf(database, { port: proxy.port, connectionLimit: 1, validateAfterIdle: 0, validationTimeout: 200 });
    const id = await connectionId(pool);
    // Half-open: what the server says does not arrive, until the pool has given the connection up.
    proxy.drop('toClient');
    pool.watch('closed', () => proxy.drop(undefined));
    expect(await connectionId(pool)).not.toBe(id);
    expect(pool.stats().closedByReason.validation).toBe(1);
  });

  it('because of wait_timeout, which is shorter than the idle time, costs no query', async () => {
    await using fixture = await openPool({
      connectionLimit: 2,
      onConnect: async (connection) => void (await connection.query('SET SESSION wait_timeout = 1')),
    });
    const { pool } = fixture;
    const id = await connectionId(pool);
    await waitFor('the server to close it', () => pool.stats().closedByReason.lost === 1);
    expect(await connectionId(pool)).not.toBe(id);
    expect(pool.stats()).toMatchObject({ connectErrors: 0, total: 1 });
  });

  it('while it is borrowed fails the borrower’s next statement, and a new one takes its place', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool, database } = fixture;
    const connection = await pool.getConnection();
    const id = await connectionId(connection);
    const waiting = connectionId(pool);
    await database.killConnections([id]);
    expect(await waiting).not.toBe(id);

    expect(connection.active).toBe(false);
    for (const call of [
      () => connection.query('SELECT 1'),
      () => connection.execute('SELECT 1'),
      () => connection.ping(),
      () => connection.beginTransaction(),
    ]) {
      const error = await errorOf(call());
      expect([PoolError.is(error), error.code]).toEqual([true, 'POOL_CONNECTION_LOST']);
    }
    connection.release();
    connection.destroy();
    expect(pool.stats()).toMatchObject({ used: 0, opened: 2, closed: 1 });
  });

  it('in the middle of a statement fails that statement with its cause', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool, database } = fixture;
    const runs = [() => pool.query('SELECT SLEEP(10)'), () => pool.execute('SELECT SLEEP(10)')];
    for (const run of runs) {
      // Awaited by a function of this file, so that its stack can name it.
      const failure = (async () => await errorOf((async () => await run())()))();
      await waitFor('the statement to run', async () => (await database.processlist()).some(({ info }) => info === 'SELECT SLEEP(10)'));
      await database.killConnections();
      const error = await failure;
      expect(error.code).toBe('POOL_CONNECTION_LOST');
      expect(error.cause).toMatchObject({ message: expect.stringMatching(/closed|killed|ECONNRESET/iu) });
      expect(error.stack).toContain('lost-connections.test.ts');
      await expect(valueOf(pool, '1')).resolves.toBe(1);
    }
    expect(pool.stats()).toMatchObject({ used: 0, opened: 3, closed: 2 });
  });

  it('by a reset of the network does the same', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    await using pool = poolOf(database, { port: proxy.port, connectionLimit: 2 });
    const failures = [errorOf(pool.query('SELECT SLEEP(10)')), errorOf(pool.query('SELECT SLEEP(10)'))];
    await waitFor('both to run', async () => (await database.processlist()).filter(({ info }) => info === 'SELECT SLEEP(10)').length === 2);
    proxy.reset();
    for (const error of await Promise.all(failures)) {
      expect(error).toMatchObject({ code: 'POOL_CONNECTION_LOST', cause: { code: 'ECONNRESET' } });
    }
    await expect(valueOf(pool, '1')).resolves.toBe(1);
  });
});

describe('I11: a result stream on a borrowed connection', () => {
  it('that the server kills fails: no uncaught exception, no hang', async () => {
    using uncaught = captureUncaught();
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool, database } = fixture;
    const connection = await borrowByCallback(pool);
    const id = await connectionId(connection.promise());
    const stream = connection.query('SELECT SLEEP(10)').stream();
    const ended = errorOf(stream.toArray());
    await database.killConnections([id]);
    expect((await ended).message).toMatch(/closed|killed/iu);
    connection.release();
    await expect(valueOf(pool, '1')).resolves.toBe(1);
    expect(uncaught.errors).toEqual([]);
  });

  it('that the server kills while rows are flowing fails, too', async () => {
    using uncaught = captureUncaught();
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool, database } = fixture;
    const connection = await borrowByCallback(pool);
    const id = await connectionId(connection.promise());
    const stream = connection.query(`SELECT a.seq, b.seq AS other FROM ${sequence(10_000, 'a')}, ${sequence(10_000, 'b')}`).stream();
    let rows = 0;
    stream.on('data', () => (rows += 1));
    const failed = once(stream, 'close').catch((error: unknown) => error);
    await once(stream, 'data');
    await database.killConnections([id]);
    await failed;
    expect(rows).toBeLessThan(100_000_000);
    expect(stream.errored).toBeInstanceOf(Error);
    expect(uncaught.errors).toEqual([]);
    expect(pool.summary().used).toBe(0);
  });

  it('without a listener may be killed: the process continues', async () => {
    using uncaught = captureUncaught();
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool, database } = fixture;
    const connection = await borrowByCallback(pool);
    const id = await connectionId(connection.promise());
    connection.query('SELECT SLEEP(10)');
    const failed = noticed(pool);
    await database.killConnections([id]);
    await failed;
    await expect(valueOf(pool, '1')).resolves.toBe(1);
    expect(uncaught.errors).toEqual([]);
  });

  it('does not begin on a connection that is gone: it fails', async () => {
    using uncaught = captureUncaught();
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool, database } = fixture;
    const connection = await borrowByCallback(pool);
    const failed = noticed(pool);
    await database.killConnections();
    await failed;
    expect(await errorOf(connection.query('SELECT 1').stream().toArray())).toMatchObject({ code: 'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR' });
    connection.release();
    await expect(valueOf(pool, '1')).resolves.toBe(1);
    expect(uncaught.errors).toEqual([]);
  });
});

describe('I7: an error that says the connection must not be used again', () => {
  it.each([1053, 1077, 1290, 1792, 1836, 1927, 2006, 2013, 3032, 4031])(
    'errno %i closes the connection when it is released',
    async (errno) => {
      await using fixture = await openPool({ connectionLimit: 1 });
      const { pool } = fixture;
      const signal = `SIGNAL SQLSTATE '08S01' SET MYSQL_ERRNO = ${errno}, MESSAGE_TEXT = 'the server is read-only: for the test'`;

      const first = await connectionId(pool);
      expect(await errorOf(pool.query(signal))).toMatchObject({ message: expect.stringContaining('for the test') });
      const second = await connectionId(pool);
      expect(second).not.toBe(first);

      await using connection = await pool.getConnection();
      await errorOf(connection.query(signal));
      // Until then it is its borrower's: a ROLLBACK may still be wanted.
      expect(await connectionId(connection)).toBe(second);
      connection.release();
      expect(await connectionId(pool)).not.toBe(second);
      expect(pool.stats().closedByReason.lost).toBe(2);
    },
  );

  it('errno 1290 counts only when it means read-only: other options prevent statements, too', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const first = await connectionId(pool);
    await errorOf(
      pool.query("SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1290, MESSAGE_TEXT = 'running with the --secure-file-priv option'"),
    );
    expect(await connectionId(pool)).toBe(first);
  });

  it('errno 1792 in a transaction that its borrower has made read-only is an error of the work', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    await pool.query('CREATE TABLE t (id INT)');
    const connection = await pool.getConnection();
    const id = await connectionId(connection);
    await connection.query('START TRANSACTION READ ONLY');
    expect(await errorOf(connection.query('INSERT INTO t VALUES (1)'))).toMatchObject({ errno: 1792 });
    connection.release();
    expect(await connectionId(pool)).toBe(id);
  });

  it.each([1205, 1213, 1317, 3024, 1062, 8002, 9007])('errno %i is an error of the work: the connection stays', async (errno) => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const first = await connectionId(pool);
    const error = await errorOf(pool.query(`SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = ${errno}`));
    expect(error).toMatchObject({ errno });
    expect(await connectionId(pool)).toBe(first);
  });

  it('is recognised in callbacks and streams as well', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const signal = "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1836, MESSAGE_TEXT = 'read-only'";
    const ids = [await connectionId(pool)];
    await new Promise((resolve) => {
      pool.pool.query(signal, resolve);
    });
    ids.push(await connectionId(pool));
    await errorOf(pool.pool.query(signal).stream().toArray());
    ids.push(await connectionId(pool));
    expect(new Set(ids).size).toBe(3);
  });
});
