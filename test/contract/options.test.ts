import type { PoolOptions, RowDataPacket } from 'mysql2';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { errorOf, internalsOf, open, sizesOf, SUBJECTS } from './support/subjects.js';

describe.each(SUBJECTS)('options of $name', (subject) => {
  it('may be a URL, or hold one', async () => {
    await using fixture = await open(subject);
    const { database } = fixture;
    const url = database.url();
    for (const options of [url as PoolOptions, { uri: url }]) {
      const pool = subject.create(typeof options === 'string' ? { uri: options } : options);
      const [rows] = await pool.query('SELECT DATABASE() AS name');
      expect(rows).toEqual([{ name: database.database }]);
      await pool.end();
    }
  });

  it('are found in the configuration of the callback pool', async () => {
    await using fixture = await open(subject, { connectionLimit: 7, queueLimit: 5, maxIdle: 3, idleTimeout: 9_000 });
    const { database } = fixture;
    expect(internalsOf(fixture.pool).config).toMatchObject({
      connectionLimit: 7,
      queueLimit: 5,
      maxIdle: 3,
      idleTimeout: 9_000,
      waitForConnections: true,
      connectionConfig: { host: database.host, port: database.port, user: database.user, password: database.password },
    });
  });

  it('have the defaults of mysql2', async () => {
    await using fixture = await open(subject);
    expect(internalsOf(fixture.pool).config).toMatchObject({
      connectionLimit: 10,
      maxIdle: 10,
      idleTimeout: 60_000,
      queueLimit: 0,
      waitForConnections: true,
    });
  });

  it('connectionLimit is kept, and those above it are served in order of arrival', async () => {
    await using fixture = await open(subject, { connectionLimit: 2 });
    const { pool } = fixture;
    // Both open: which of two that are opened at once comes first, the network decides.
    await Promise.all([pool.query('DO SLEEP(0.1)'), pool.query('DO SLEEP(0.1)')]);
    const order: number[] = [];
    let most = 0;
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const connection = await pool.getConnection();
        order.push(index);
        most = Math.max(most, sizesOf(pool)[0]);
        await connection.query('DO 1');
        connection.release();
      }),
    );
    expect([order, most]).toEqual([Array.from({ length: 20 }, (_, index) => index), 2]);
  });

  it('limits that are written into the configuration take effect', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { pool } = fixture;
    const { config } = internalsOf(pool);
    config.connectionLimit = 2;
    const both = await Promise.all([pool.getConnection(), pool.getConnection()]);
    config.queueLimit = 1;
    const waiting = pool.getConnection();
    expect((await errorOf(pool.getConnection())).message).toMatch(/^Queue limit reached\./);
    config.waitForConnections = false;
    expect((await errorOf(pool.getConnection())).message).toMatch(/^No connections available\./);
    for (const connection of both) connection.release();
    (await waiting).release();
  });

  it('maxIdle: connections above it are closed within seconds', async () => {
    await using fixture = await open(subject, { connectionLimit: 3, maxIdle: 1 });
    const { pool } = fixture;
    const all = await Promise.all([1, 2, 3].map(() => pool.getConnection()));
    for (const connection of all) connection.release();
    await waitFor('one to be left', () => sizesOf(pool)[0] === 1);
    expect(sizesOf(pool)).toEqual([1, 1, 0]);
  });

  it('idleTimeout: connections that idled for longer are closed', async () => {
    await using fixture = await open(subject, { connectionLimit: 2, maxIdle: 1, idleTimeout: 200 });
    const { pool } = fixture;
    await pool.query('SELECT 1');
    await waitFor('all to be closed', () => sizesOf(pool)[0] === 0);
    expect((await pool.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
  });

  it('resetOnRelease: the next borrower finds a clean session', async () => {
    await using fixture = await open(subject, { connectionLimit: 1, resetOnRelease: true });
    const { pool } = fixture;
    await pool.query('SET @left = 7');
    expect((await pool.query('SELECT @left AS found'))[0]).toEqual([{ found: null }]);
  });

  it('without resetOnRelease user variables stay', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { pool } = fixture;
    await pool.query('SET @left = 7');
    expect((await pool.query<RowDataPacket[]>('SELECT @left AS found'))[0]).toEqual([{ found: 7 }]);
  });

  it('compress, charset, timezone, flags and connectAttributes reach the connection', async () => {
    await using fixture = await open(subject, {
      compress: true,
      charset: 'utf8mb4_unicode_ci',
      timezone: '+05:00',
      flags: ['-FOUND_ROWS'],
      connectAttributes: { program_name: 'contract' },
    });
    const { pool } = fixture;
    const [rows] = await pool.query('SELECT @@collation_connection AS collation, CAST(? AS DATETIME) AS moment', [
      new Date('2020-01-01T00:00:00Z'),
    ]);
    expect(rows).toEqual([{ collation: 'utf8mb4_unicode_ci', moment: new Date('2020-01-01T00:00:00Z') }]);
    await pool.query('CREATE TABLE t (a INT)');
    await pool.query('INSERT INTO t VALUES (1)');
    expect((await pool.query('UPDATE t SET a = 1'))[0]).toMatchObject({ affectedRows: 0 });
    expect((await pool.query("SHOW STATUS LIKE 'Compression'"))[0]).toEqual([{ Variable_name: 'Compression', Value: 'ON' }]);
  });
});
