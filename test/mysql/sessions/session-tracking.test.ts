/** What servers report of a session's changes with their answers, and what the pool makes of it. */
import { describe, expect, it } from 'vitest';
import type { PoolConnection } from '../../../src/mysql/connections/borrowed-connection.js';
import { Session } from '../../../src/mysql/session/session.js';
import { openPool, type PoolOnDatabase, valueOf } from '../../support/pool-on-database.js';

const TRACKED: readonly (readonly [what: string, setUp: string | undefined])[] = [
  ['as the server has it', undefined],
  ['with GTIDs', "SET SESSION session_track_gtids = 'OWN_GTID'"],
  ["with the transactions' state", "SET SESSION session_track_transaction_info = 'STATE'"],
  ["with the transactions' characteristics", "SET SESSION session_track_transaction_info = 'CHARACTERISTICS'"],
];
const UNKNOWN_SYSTEM_VARIABLE = 1193;

/** A pool of one connection, which asks for such reports; on a server that does not know them it goes without. */
async function openTracked(setUp: string | undefined): Promise<PoolOnDatabase> {
  const ask = async (connection: PoolConnection): Promise<void> => {
    if (setUp === undefined) return;
    await connection.query(setUp).catch((error: { errno: number }) => {
      if (error.errno !== UNKNOWN_SYSTEM_VARIABLE) throw error;
    });
  };
  const fixture = await openPool({ connectionLimit: 1, onConnect: (connection) => ask(connection as PoolConnection) });
  await fixture.pool.query('CREATE TABLE t (id INT PRIMARY KEY)');
  return fixture;
}

describe.each(TRACKED)('the reports of a session, %s', (_, setUp) => {
  it('do not make a transaction cost a reset', async () => {
    await using fixture = await openTracked(setUp);
    const { pool } = fixture;
    for (let run = 0; run < 10; run += 1) await pool.transaction((tx) => tx.query('SELECT 1'));
    for (let run = 0; run < 3; run += 1) {
      await pool.transaction(async (tx) => {
        await tx.execute('INSERT INTO t VALUES (?)', [run]);
        await tx.query('SELECT * FROM t');
        await tx.transaction((nested) => nested.query('DELETE FROM t WHERE id = ?', [run]));
      });
    }
    await pool.transaction((tx) => tx.query('SELECT * FROM t'), { readOnly: true, isolation: 'READ COMMITTED' });
    await expect(pool.transaction((tx) => tx.query('SELECT missing FROM t'))).rejects.toThrow('missing');
    const connection = await pool.getConnection();
    await connection.beginTransaction();
    await connection.query('INSERT INTO t VALUES (100)');
    await connection.rollback();
    await connection.query('INSERT INTO t VALUES (101)');
    connection.release();
    expect(await valueOf(pool, '(SELECT COUNT(*) FROM t)')).toBe(1);
    expect(pool.stats()).toMatchObject({ resets: 0, opened: 1 });
  });

  it.each(["SET time_zone = '+03:00'", 'SET @left = 1', 'CREATE TEMPORARY TABLE left_behind (id INT)'])(
    'show what a function did in a transaction: %s',
    async (statement) => {
      await using fixture = await openTracked(setUp);
      const { pool } = fixture;
      await pool.query(`CREATE FUNCTION leave_behind() RETURNS INT BEGIN ${statement}; RETURN 1; END`);
      await pool.query('SELECT 1');
      const before = pool.stats().resets;
      await pool.transaction(async (tx) => {
        await tx.query('SELECT leave_behind()');
        await tx.query('SELECT * FROM t');
        await tx.query('INSERT INTO t VALUES (1)');
      });
      expect(await valueOf(pool, '@left')).toBeNull();
      expect(pool.stats().resets).toBe(before + 1);
    },
  );
});

describe('a session whose server reported a change', () => {
  it('is in doubt while the server has not said what it was', () => {
    const session = new Session();
    session.noteChange('unsaid');
    expect(session).toMatchObject({ dirty: false, doubtful: true });
    session.noteChange('transaction');
    expect(session).toMatchObject({ dirty: false, doubtful: false });
    session.noteChange('unsaid');
    session.noteChange('session');
    expect(session).toMatchObject({ dirty: true, doubtful: false });
    session.noteChange('transaction');
    expect(session.dirty).toBe(true);
    session.noteChange('unsaid');
    session.cleaned();
    expect(session).toMatchObject({ dirty: false, doubtful: false });
  });
});
