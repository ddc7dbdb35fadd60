/** What a server shows of a session, of a transaction and of its tables: the measure of what a statement did. */
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { MAIN_DATABASE, MARKER, OTHER_DATABASE, rowStatements, schemaStatements, TABLE_NAMES } from './server-schema.js';
import type { ServerKind } from './statement-row.js';

/** How to reach a server as its administrator. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** Names and values; two of them differ in the names that {@link differences} gives. */
export type Snapshot = ReadonlyMap<string, string>;

/** One statement as the server's history has it. */
export interface HistoryEntry {
  readonly event: string;
  readonly digest: string | null;
  readonly text: string | null;
}

/** Session variables that differ from statement to statement of themselves. */
const VOLATILE = new Set(
  `error_count gtid_binlog_pos gtid_binlog_state gtid_current_pos identity in_transaction insert_id last_gtid last_insert_id pseudo_thread_id
  rand_seed1 rand_seed2 statement_id timestamp warning_count`.split(/\s+/),
);

/** What rows call their temporary tables: no other table has this name. */
const TEMPORARY = 'made_temporary';

const DATABASES = `('${MAIN_DATABASE}', '${OTHER_DATABASE}')`;

const DEFINITIONS = [
  `SELECT CONCAT('database ', schema_name), default_collation_name FROM information_schema.schemata`,
  `SELECT CONCAT('table ', table_schema, '.', table_name), CONCAT(table_type, table_comment) FROM information_schema.tables WHERE table_schema IN ${DATABASES}`,
  `SELECT CONCAT('column ', table_schema, '.', table_name, '.', column_name), CONCAT_WS(' ', column_type, ordinal_position, column_comment)
     FROM information_schema.columns WHERE table_schema IN ${DATABASES}`,
  `SELECT CONCAT('index ', table_schema, '.', table_name, '.', index_name, ' ', seq_in_index), column_name
     FROM information_schema.statistics WHERE table_schema IN ${DATABASES}`,
  `SELECT CONCAT(routine_type, ' ', routine_schema, '.', routine_name), routine_definition FROM information_schema.routines WHERE routine_schema IN ${DATABASES}`,
  `SELECT CONCAT('trigger ', trigger_schema, '.', trigger_name), action_statement FROM information_schema.triggers WHERE trigger_schema IN ${DATABASES}`,
  `SELECT CONCAT('event ', event_schema, '.', event_name), event_definition FROM information_schema.events WHERE event_schema IN ${DATABASES}`,
].join(';');

/** What the lists of a server show of one of its sessions, without the session's own help. */
const HELD = [
  `SELECT CONCAT('variable @', variable_name), variable_value FROM performance_schema.user_variables_by_thread WHERE thread_id = ?`,
  `SELECT CONCAT('prepared ', statement_name), 'yes' FROM performance_schema.prepared_statements_instances WHERE owner_thread_id = ? AND statement_name IS NOT NULL`,
].join(';');
const LOCKS = `SELECT CONCAT_WS(' ', 'lock', object_type, object_schema, object_name, lock_type), COUNT(*)
  FROM performance_schema.metadata_locks WHERE owner_thread_id = ? GROUP BY 1`;

export async function connect(address: ServerAddress, database?: string): Promise<Connection> {
  const connection = await createConnection({ ...address, multipleStatements: true, ...(database === undefined ? {} : { database }) });
  // A row may break its connection: its query rejects, and nothing else is to end the run.
  connection.on('error', () => undefined);
  return connection;
}

/** The rows of one or several SELECTs as names and values. */
async function pairs(connection: Connection, sql: string, values: readonly unknown[] = []): Promise<[string, string][]> {
  const [result, fields] = await connection.query<RowDataPacket[][]>({ sql, values: [...values], rowsAsArray: true });
  const several = Array.isArray(fields[0]);
  const rows = (several ? result.flat() : result) as unknown as [unknown, unknown][];
  return rows.map(([name, value]) => [String(name), String(value)]);
}

export function differences(one: Snapshot, other: Snapshot): string[] {
  return [...new Set([...one.keys(), ...other.keys()])].filter((name) => one.get(name) !== other.get(name));
}

/** An administrator's connection that watches the other sessions and puts the schema back. */
export class Observer {
  readonly kind: ServerKind;
  /** The checksums of all tables as they are between rows. */
  rows: Snapshot = new Map();
  definitions: Snapshot = new Map();

  private constructor(
    readonly address: ServerAddress,
    readonly connection: Connection,
    version: string,
  ) {
    this.kind = version.includes('MariaDB') ? 'mariadb' : 'mysql';
  }

  static async open(address: ServerAddress): Promise<Observer> {
    const connection = await connect(address);
    const [[row]] = await connection.query<RowDataPacket[]>('SELECT VERSION() AS version');
    const observer = new Observer(address, connection, String(row?.['version']));
    await connection.query('SET SESSION lock_wait_timeout = 1, SESSION innodb_lock_wait_timeout = 1');
    await observer.rebuild();
    return observer;
  }

  async rebuild(): Promise<void> {
    for (const statement of schemaStatements(this.kind)) await this.connection.query(statement);
    this.definitions = await this.definitionsNow();
    this.rows = await this.rowsSeenBy(this.connection);
  }

  async threadOf(connection: Connection): Promise<number> {
    const [[row]] = await this.connection.query<RowDataPacket[]>(
      'SELECT thread_id AS id FROM performance_schema.threads WHERE processlist_id = ?',
      [connection.threadId],
    );
    return Number(row?.['id']);
  }

  /** User variables and prepared statements of a session. */
  async heldBy(thread: number): Promise<Snapshot> {
    return new Map(await pairs(this.connection, HELD, [thread, thread]));
  }

  async locksOf(thread: number): Promise<Snapshot> {
    return new Map(await pairs(this.connection, LOCKS, [thread]));
  }

  /** The last statements that a session has finished, oldest first, without those inside routines. */
  async historyOf(thread: number): Promise<HistoryEntry[]> {
    const [rows] = await this.connection.query<RowDataPacket[]>(
      `SELECT event_name AS event, digest AS digest, sql_text AS text FROM performance_schema.events_statements_history
       WHERE thread_id = ? AND COALESCE(nesting_event_level, 0) = 0 AND event_name <> 'statement/sql/empty_query' ORDER BY event_id`,
      [thread],
    );
    return rows as HistoryEntry[];
  }

  async seesMarker(): Promise<boolean> {
    // A database that is gone went with its transaction.
    return hasMarker(this.connection).catch(() => true);
  }

  /** The rows of all tables as a session sees them; as the observer does where the session may not look. */
  async rowsSeenBy(connection: Connection): Promise<Snapshot> {
    const own = await this.checksums(connection).catch(() => undefined);
    // MySQL shows no checksum, and MariaDB an error, where the session has locked other tables.
    const isWhole = own !== undefined && ![...own.values()].includes('null');
    const seen = isWhole ? own : await this.checksums(this.connection).catch(() => new Map([['all tables', 'unreachable']]));
    return new Map([...seen].filter(([name]) => name !== `${MAIN_DATABASE}.${MARKER}`));
  }

  /** Puts back what a row has changed and committed. */
  async restore(): Promise<void> {
    const now = await this.definitionsNow();
    const changed = differences(this.definitions, now);
    if (changed.length > 0 && !(await this.#dropExtras(changed, now))) {
      await this.rebuild();
      return;
    }
    const sameRows = differences(this.rows, await this.rowsSeenBy(this.connection)).length === 0;
    if (sameRows && !(await this.seesMarker())) return;
    await this.connection.query(rowStatements().join(';'));
    this.rows = await this.rowsSeenBy(this.connection);
  }

  /** Drops what rows have made. False when what was there is not as it was. */
  async #dropExtras(changed: readonly string[], now: Snapshot): Promise<boolean> {
    for (const name of changed) {
      const [type = '', object = ''] = name.split(/ (.*)/s);
      if (this.definitions.has(name)) return false;
      if (type === 'column' || type === 'index') continue;
      const quoted = object.split('.').map((part) => `\`${part.replaceAll('`', '``')}\``);
      const isView = type === 'table' && now.get(name)?.startsWith('VIEW') === true;
      await this.connection.query(`DROP ${isView ? 'VIEW' : type} IF EXISTS ${quoted.join('.')}`).catch(() => undefined);
    }
    return differences(this.definitions, await this.definitionsNow()).length === 0;
  }

  async definitionsNow(): Promise<Snapshot> {
    return new Map(await pairs(this.connection, DEFINITIONS));
  }

  async checksums(connection: Connection): Promise<Snapshot> {
    const sequence = this.kind === 'mariadb' ? `; SELECT 'sequence', next_not_cached_value FROM ${MAIN_DATABASE}.numbers` : '';
    return new Map(await pairs(connection, `CHECKSUM TABLE ${TABLE_NAMES.join(', ')}${sequence}`));
  }
}

export async function hasMarker(connection: Connection): Promise<boolean> {
  const [rows] = await connection.query<RowDataPacket[]>(`SELECT id FROM ${MAIN_DATABASE}.${MARKER} WHERE id = 1`);
  return rows.length > 0;
}

/** What a session knows of itself. A session that refuses to answer shows that as its state. */
export async function ownState(connection: Connection): Promise<Snapshot> {
  try {
    const variables = await pairs(connection, 'SHOW SESSION VARIABLES');
    const [[row]] = await connection.query<RowDataPacket[]>('SELECT DATABASE() AS db, CURRENT_ROLE() AS role');
    return new Map([
      ...variables.filter(([name]) => !VOLATILE.has(name)),
      ['default database', String(row?.['db'])],
      ['role', String(row?.['role'])],
      ['temporary table', String(await hasTemporaryTable(connection))],
    ]);
  } catch (error) {
    return new Map([['it refuses', String((error as { errno?: number }).errno)]]);
  }
}

async function hasTemporaryTable(connection: Connection): Promise<boolean> {
  return connection.query(`SELECT 1 FROM ${MAIN_DATABASE}.${TEMPORARY} LIMIT 0`).then(
    () => true,
    () => false,
  );
}
