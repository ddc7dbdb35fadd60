/** Ways to change a session: each variable of the server with another value, other statements, and how each of them may be sent. */
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { differs } from '../../support/sql-servers/this-server.js';

/** What one statement changes. */
export interface Change {
  readonly sql: string;
  /** Statements before it in the same session. */
  readonly before: readonly string[];
  /** It says so in its text only: done by a routine, it is the limit that docs/sessions.md states. */
  readonly byTextOnly: boolean;
}

/** A way to send a change. */
export interface Way {
  readonly what: string;
  readonly statements: readonly string[];
}

/** See the row `crashesOnTransactionsInWrites`. */
const OF_TRANSACTIONS = /transaction|tx_/i;

/** Their change would end the test, not the session. */
const LEFT_ALONE = new Set(['gtid_next', 'gtid_domain_id', 'server_id', 'pseudo_slave_mode', 'pseudo_replica_mode', 'pseudo_thread_id']);

const OTHER_VALUES = ['0', '1', "'+03:00'", "'latin1'", "'latin1_bin'", "''", "'de_DE'", "'MEMORY'", "'SERIALIZABLE'", "'OFF'", "'ON'"];
const MORE_VALUES = [
  "'NONE'",
  "'STATE'",
  "'OWN_GTID'",
  "'ROW'",
  "'MINIMAL'",
  "'CHAIN'",
  "'ANSI'",
  "'time_zone'",
  "'index_merge=off'",
  '4096',
];

const STATEMENTS: readonly string[] = [
  "SELECT GET_LOCK(CONCAT('left-', DATABASE()), 0)",
  "DO GET_LOCK(CONCAT('left-', DATABASE()), 0)",
  "SELECT '/*', GET_LOCK(CONCAT('left-', DATABASE()), 0)",
  "SELECT '-- ', '#', GET_LOCK /* x */ (CONCAT('left-', DATABASE()), 0)",
  'SET @left = 1',
  'CREATE TEMPORARY TABLE left_behind (id INT)',
  "PREPARE left_behind FROM 'SELECT 1'",
  'USE information_schema',
  'SET NAMES latin1',
  'SET CHARACTER SET latin1',
  'SET autocommit = 0',
  'SET SESSION TRANSACTION READ ONLY',
  'SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE',
  'LOCK TABLES kept READ',
  'HANDLER kept OPEN',
  'FLUSH TABLES kept FOR EXPORT',
  'START TRANSACTION',
  'START TRANSACTION READ ONLY',
  "XA START 'left'",
];
const BY_TEXT_ONLY: readonly string[] = [
  'CREATE TEMPORARY TABLE left_behind AS SELECT 1 AS id',
  'SELECT 1 INTO @left',
  "SELECT '/*', 1 INTO @left, @other",
  'SELECT @left := 1',
  'SET TRANSACTION READ ONLY',
  'SET ROLE NONE',
];

/** Sets each variable of the session to each of some values, and keeps the first that changes it. */
async function variableChanges(session: Connection, variables: ReadonlyMap<string, string>): Promise<Change[]> {
  const changes: Change[] = [];
  for (const [name, value] of variables) {
    if (LEFT_ALONE.has(name)) continue;
    const near =
      /^\d+$/.test(value) && Number.isSafeInteger(Number(value)) ? [String(Number(value) + 1024), String(Number(value) >> 1)] : [];
    for (const candidate of [...near, ...OTHER_VALUES, ...MORE_VALUES]) {
      const sql = `SET SESSION ${name} = ${candidate}`;
      if (!(await isChangedBy(session, sql, name, value))) continue;
      // What switches the reports off is not reported.
      changes.push({ sql, before: [], byTextOnly: name === 'session_track_state_change' });
      break;
    }
  }
  return changes;
}

async function isChangedBy(session: Connection, sql: string, name: string, value: string): Promise<boolean> {
  try {
    await session.query(sql);
    const [[row]] = await session.query<RowDataPacket[]>({ sql: `SHOW SESSION VARIABLES LIKE '${name}'`, rowsAsArray: true });
    return (row as unknown as string[] | undefined)?.[1] !== value;
  } catch {
    return false;
  } finally {
    await session.reset();
  }
}

/** Every change that this server knows. */
export async function changesOf(session: Connection, variables: ReadonlyMap<string, string>, role: string): Promise<Change[]> {
  return [
    ...(await variableChanges(session, variables)),
    ...STATEMENTS.map((sql) => ({ sql, before: [], byTextOnly: false })),
    ...BY_TEXT_ONLY.map((sql) => ({ sql, before: [], byTextOnly: true })),
    { sql: `SET ROLE ${role}`, before: [], byTextOnly: true },
    { sql: "XA PREPARE 'prepared'", before: ["XA START 'prepared'", 'INSERT INTO kept VALUES (1)', "XA END 'prepared'"], byTextOnly: true },
  ];
}

/** How a change may be sent. The routines that it needs are made by the administrator; undefined where the server refuses them. */
export async function waysOf({ sql, before, byTextOnly }: Change, place: number, admin: Connection): Promise<Way[]> {
  const makes = async (...definitions: string[]): Promise<boolean> => {
    try {
      for (const definition of definitions) await admin.query(definition);
      return true;
    } catch {
      return false;
    }
  };
  const crashesInWrites = OF_TRANSACTIONS.test(sql) && differs('crashesOnTransactionsInWrites');
  const quoted = sql.replaceAll("'", "''");
  const ways = [
    { what: sql, statements: [sql] },
    { what: `${sql}, behind comments`, statements: [`-- a line\n# another\n/* a block */ ${sql}`] },
    { what: `${sql}, second in its text`, statements: [`SELECT 1; ${sql}`] },
    { what: `${sql}, in an executable comment`, statements: [`/*!50000 ${sql} */`] },
    { what: `${sql}, prepared by SQL`, statements: [`PREPARE left_behind FROM '${quoted}'; EXECUTE left_behind`] },
  ];
  if (await makes(`CREATE PROCEDURE p${place}() ${sql}`)) ways.push({ what: `${sql}, in a procedure`, statements: [`CALL p${place}()`] });
  if (!byTextOnly && (await makes(`CREATE FUNCTION f${place}() RETURNS INT BEGIN ${sql.replace('SELECT', 'DO')}; RETURN 1; END`))) {
    ways.push({ what: `${sql}, in a function`, statements: [`SELECT f${place}()`] });
    if (!crashesInWrites) {
      ways.push({ what: `${sql}, in a function that a write calls`, statements: [`INSERT INTO kept SELECT f${place}()`] });
    }
  }
  const trigger = [`CREATE TABLE t${place} (id INT)`, `CREATE TRIGGER g${place} BEFORE INSERT ON t${place} FOR EACH ROW ${sql}`];
  if (!byTextOnly && !/GET_LOCK/.test(sql) && !crashesInWrites && (await makes(...trigger)))
    ways.push({ what: `${sql}, in a trigger`, statements: [`INSERT INTO t${place} VALUES (1)`] });
  return ways.map((way) => ({ ...way, statements: [...before, ...way.statements] }));
}
