/** What a pool learns of its commits from the server's answers, before their callers have them. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Readable } from 'node:stream';
import type { ResultSetHeader } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PrivateServer } from '../../../src/demo/private-server.js';
import type { CommitListener } from '../../../src/mysql/contract/index.js';
import { makePool } from '../../../src/mysql/create-pool.js';
import { type PoolOptions, resolveOptions } from '../../../src/mysql/options/index.js';
import type { Pool } from '../../../src/mysql/pools/index.js';
import { borrowByCallback } from '../../support/pool-on-database.js';
import { chosenKind } from '../../support/sql-servers/kinds.js';
import { startServer } from '../../support/sql-servers/this-server.js';

const IS_MARIADB = chosenKind() !== 'mysql';
const BINARY_LOG = IS_MARIADB ? ['--log-bin=bin'] : ['--log-bin=bin', '--gtid-mode=ON', '--enforce-gtid-consistency=ON'];

/** Notes all that is reported to it. */
class Notes implements CommitListener {
  readonly scopes = new AsyncLocalStorage<object>();
  readonly gtids: string[] = [];
  readonly of: (object | undefined)[][] = [];
  unnamed = 0;

  constructor(readonly hasGtids = true) {}

  scope(): object | undefined {
    return this.scopes.getStore();
  }

  committed(gtid: string, ...scopes: (object | undefined)[]): void {
    this.gtids.push(gtid);
    this.of.push(scopes);
  }

  mayHaveCommitted(): void {
    this.unnamed += 1;
  }
}

let server: PrivateServer;
beforeAll(async () => {
  server = await startServer({ arguments: [...BINARY_LOG, '--log-bin-trust-function-creators=1', '--local-infile=1'] });
  await using listening = listen();
  await listening.pool.query('CREATE TABLE written (id INT PRIMARY KEY AUTO_INCREMENT, value INT) ENGINE=InnoDB');
  await listening.pool.query(
    'CREATE FUNCTION write_one() RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO written (value) VALUES (9); RETURN 1; END',
  );
  await listening.pool.query('CREATE PROCEDURE write_and_read() BEGIN INSERT INTO written (value) VALUES (9); SELECT 7; END');
});
afterAll(() => server.stop());

function listen(options: PoolOptions = {}, notes = new Notes()): { pool: Pool; notes: Notes } & AsyncDisposable {
  const { host, port, user, password, database } = server;
  const target = { host, port, user, password, database, minIdle: 0, ...options };
  const pool = makePool({ ...resolveOptions({ target }, 'own', {}), commits: notes });
  return { pool, notes, [Symbol.asyncDispose]: () => pool.end() };
}

/** How many GTIDs there are when work is answered. */
async function namedBy(notes: Notes, work: () => Promise<unknown>): Promise<number> {
  const before = notes.gtids.length;
  return await work().then(() => notes.gtids.length - before);
}

const INSERT = 'INSERT INTO written (value) VALUES (1)';

describe('a commit is known before its caller is answered', () => {
  it('of query and execute', async () => {
    await using listening = listen();
    const { pool, notes } = listening;
    expect(await namedBy(notes, () => pool.query(INSERT))).toBe(1);
    expect(await namedBy(notes, () => pool.execute(INSERT))).toBe(1);
    expect(await namedBy(notes, () => pool.execute(INSERT))).toBe(1);
    expect(notes.gtids[0]).toMatch(IS_MARIADB ? /^0-\d+-\d+$/ : /^[0-9a-f-]{36}:\d+$/);
    expect(new Set(notes.gtids).size).toBe(3);
    expect(notes.unnamed).toBe(0);
  });

  it('of several statements in one text, and of a procedure that also reads', async () => {
    await using listening = listen({ multipleStatements: true });
    const { pool, notes } = listening;
    expect(await namedBy(notes, () => pool.query(`${INSERT}; ${INSERT}; SELECT 1`))).toBe(2);
    expect(await namedBy(notes, () => pool.query('CALL write_and_read()'))).toBe(1);
  });

  it('of a borrowed connection, by promise and by callback', async () => {
    await using listening = listen();
    const { pool, notes } = listening;
    const connection = await pool.getConnection();
    expect(await namedBy(notes, () => connection.query(INSERT))).toBe(1);
    await connection.beginTransaction();
    expect(await namedBy(notes, () => connection.query(INSERT))).toBe(0);
    expect(await namedBy(notes, () => connection.commit())).toBe(1);
    connection.release();
    const raw = await borrowByCallback(pool);
    expect(await namedBy(notes, () => new Promise((resolve) => raw.query(INSERT, resolve)))).toBe(1);
    raw.release();
    expect(await namedBy(notes, () => new Promise((resolve) => pool.pool.query(INSERT, resolve)))).toBe(1);
  });

  it('of a stream', async () => {
    await using listening = listen();
    const { pool, notes } = listening;
    const read = async (): Promise<void> => {
      for await (const row of (pool.pool.query(INSERT) as unknown as { stream(): Readable }).stream()) void row;
    };
    expect(await namedBy(notes, read)).toBe(1);
  });

  it('of a transaction, by its COMMIT', async () => {
    await using listening = listen();
    const { pool, notes } = listening;
    await pool.transaction(async (tx) => {
      expect(await namedBy(notes, () => tx.query(INSERT))).toBe(0);
    });
    expect(notes.gtids).toHaveLength(1);
    await pool.transaction((tx) => Promise.reject(tx.query(INSERT).then(() => new Error('rolled back')))).catch(() => undefined);
    expect(notes.gtids).toHaveLength(1);
  });

  it('of a file that is loaded', async () => {
    await using listening = listen();
    const { pool, notes } = listening;
    const load = {
      sql: "LOAD DATA LOCAL INFILE 'rows' INTO TABLE written (value)",
      infileStreamFactory: () => Readable.from(['1\n2\n']),
    };
    expect(await namedBy(notes, () => pool.query<ResultSetHeader>(load))).toBe(1);
  });
});

describe('a commit that the answer does not name', () => {
  it('of a function that a SELECT calls is reported as one that may be', async () => {
    await using listening = listen();
    const { pool, notes } = listening;
    await pool.query('SELECT write_one()');
    expect(notes.unnamed).toBeGreaterThan(0);
    const { unnamed } = notes;
    await pool.query('SELECT id FROM written LIMIT 1');
    await pool.execute('SELECT id FROM written WHERE id = ?', [1]);
    await pool.execute('INSERT INTO written (value) VALUES (?)', [1]);
    expect(notes.unnamed).toBe(unnamed);
  });

  it('of INSERT … RETURNING is reported, too', async ({ skip }) => {
    skip(!IS_MARIADB, 'MySQL has no INSERT … RETURNING.');
    await using listening = listen();
    const { pool, notes } = listening;
    await pool.query(`${INSERT} RETURNING id`);
    expect(notes.unnamed).toBeGreaterThan(0);
  });

  it('is each statement that may have written, where the server has no GTIDs', async () => {
    await using listening = listen({}, new Notes(false));
    const { pool, notes } = listening;
    await pool.query('SELECT 1');
    expect(notes.unnamed).toBe(0);
    const connection = await pool.getConnection();
    await connection.query(IS_MARIADB ? "SET SESSION session_track_system_variables = ''" : 'SET SESSION session_track_gtids = OFF');
    await connection.query(INSERT);
    expect(notes.unnamed).toBe(1);
    await connection.beginTransaction();
    await connection.query(INSERT);
    expect(notes.unnamed).toBe(1);
    await connection.commit();
    expect(notes.unnamed).toBe(2);
    connection.release();
  });
});

describe('on whose behalf', () => {
  it('is who asked for the connection, and who sent the statement', async () => {
    await using listening = listen({ connectionLimit: 1 });
    const { pool, notes } = listening;
    const [one, other] = [{ name: 'one' }, { name: 'other' }];
    const held = await pool.getConnection();
    // It waits, and is granted in the context of the borrower that releases the connection.
    const waiting = notes.scopes.run(one, () => pool.query(INSERT));
    const callback = notes.scopes.run(one, () => new Promise((resolve) => pool.pool.query(INSERT, resolve)));
    await notes.scopes.run(other, async () => held.release());
    await Promise.all([waiting, callback]);
    expect(notes.of).toHaveLength(2);
    for (const scopes of notes.of) expect(scopes).toContain(one);

    const borrowed = await notes.scopes.run(one, () => pool.getConnection());
    await notes.scopes.run(other, () => borrowed.query(INSERT));
    borrowed.release();
    expect(notes.of.at(-1)).toEqual([one, other]);
    await pool.query(INSERT);
    expect(notes.of.at(-1)).toEqual([undefined, undefined]);
    await notes.scopes.run(one, () => pool.transaction((tx) => tx.query(INSERT)));
    expect(notes.of.at(-1)).toContain(one);
  });
});

describe('the session', () => {
  it('needs no reset after 10 transactions, and keeps reporting after a reset', async () => {
    await using listening = listen({ connectionLimit: 1 });
    const { pool, notes } = listening;
    for (let round = 0; round < 10; round += 1) {
      await pool.transaction(async (tx) => {
        await tx.query(INSERT);
        await tx.execute(INSERT);
      });
    }
    expect(notes.gtids).toHaveLength(10);
    expect(pool.stats()).toMatchObject({ resets: 0, opened: 1 });
    await pool.query('SET @x = 1');
    await pool.query(INSERT);
    expect(pool.stats()).toMatchObject({ resets: 1, opened: 1 });
    expect(notes.gtids).toHaveLength(11);
  });
});
