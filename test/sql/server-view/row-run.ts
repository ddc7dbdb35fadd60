/** Runs one row of the table on a server and gathers what happened. */
import { Readable } from 'node:stream';
import type { Connection, QueryOptions } from 'mysql2/promise';
import { connect, differences, hasMarker, type HistoryEntry, type Observer, ownState, type Snapshot } from './server-observer.js';
import { MAIN_DATABASE, MARKER, TABLE_NAMES } from './server-schema.js';
import type { Row } from './statement-row.js';

/** What a server did with a statement. */
export interface Observation {
  readonly error: { readonly errno: number; readonly message: string } | undefined;
  /** What of the session is not as it was; empty when the server shows no change. */
  readonly session: readonly string[];
  /** `none`: the row is sent in no transaction. */
  readonly transaction: 'open' | 'committed' | 'rolled back' | 'none';
  readonly history: readonly HistoryEntry[];
  /** Tables with other rows than before, with their databases. */
  readonly tables: readonly string[];
  readonly definitions: readonly string[];
  /** The transaction behind it takes no writes. */
  readonly refusesWrites: boolean;
  /** The server asked the client for a file. */
  readonly askedForFile: boolean;
  /** What running it twice in a read-only transaction showed. Asked for where the reader says that the text only reads. */
  readonly asReader: readonly string[];
  /** Tables of which the answer shows rows although the reader does not name them. */
  readonly alsoReads: readonly string[];
}

/** What the reader claims and the run then puts to the test. */
export interface Claims {
  readonly readOnly: boolean;
  /** The tables that a read depends on, without databases. */
  readonly reads: readonly string[] | undefined;
}

const BEGINNING = "DO 'the row begins here'";
/** MySQL's ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION. */
const READ_ONLY_TRANSACTION = 1792;
const END = "DO 'the row ends here'";

/** Runs rows one after another. A session that a row has left as it was serves the next one, because a new one takes time. */
export class RowRunner {
  #clean: CleanSession | undefined;

  constructor(private readonly observer: Observer) {}

  async run(row: Row, claims: Claims): Promise<Observation> {
    const session = (row.sqlMode === undefined && row.before === undefined ? this.#clean : undefined) ?? (await this.#newSession());
    if (session !== this.#clean) this.close();
    this.#clean = undefined;
    let seen: Observation | undefined;
    try {
      seen = await new RowRun(this.observer, row, claims, session).run();
      return seen;
    } finally {
      await this.#cleanUp(row, seen, session);
    }
  }

  /** The server's own digest of the first statement in a text. What it changes is rolled back. */
  async digestOf(sql: string): Promise<string> {
    const { connection, thread } = (this.#clean ??= await this.#newSession());
    await connection.query('START TRANSACTION');
    await failureOf(connection.query(BEGINNING));
    await failureOf(connection.query(sql));
    await failureOf(connection.query(END));
    const [first] = ofTheRow(await this.observer.historyOf(thread));
    await connection.query('ROLLBACK');
    return String(first?.digest);
  }

  close(): void {
    this.#clean?.connection.destroy();
    this.#clean = undefined;
  }

  async #newSession(): Promise<CleanSession> {
    const connection = await connect(this.observer.address, MAIN_DATABASE);
    return { connection, thread: await this.observer.threadOf(connection), state: undefined };
  }

  async #cleanUp(row: Row, seen: Observation | undefined, session: CleanSession): Promise<void> {
    const asItWas = seen?.session.length === 0;
    const committed = seen === undefined || row.before !== undefined || seen.transaction !== 'open' || seen.tables.some(isNotTransactional);
    if (asItWas && !committed && row.session === 'clean' && row.sqlMode === undefined) {
      this.#clean = session;
      return;
    }
    session.connection.destroy();
    if (!asItWas || committed) await waitUntilGone(this.observer, session.connection);
    if (committed) await this.observer.restore();
  }
}

interface CleanSession {
  readonly connection: Connection;
  readonly thread: number;
  /** Undefined when it is new. */
  state: Snapshot | undefined;
}

function isNotTransactional(table: string): boolean {
  return table === `${MAIN_DATABASE}.legacy` || table === 'sequence';
}

/** A session that has locks or an open transaction would disturb the next row. */
async function waitUntilGone(observer: Observer, connection: Connection): Promise<void> {
  while (!Number.isNaN(await observer.threadOf(connection)));
}

class RowRun {
  readonly #connection: Connection;
  readonly #thread: number;
  #askedForFile = false;

  constructor(
    private readonly observer: Observer,
    private readonly row: Row,
    private readonly claims: Claims,
    private readonly session: CleanSession,
  ) {
    this.#connection = session.connection;
    this.#thread = session.thread;
  }

  async run(): Promise<Observation> {
    await this.#prepare();
    const before = this.session.state ?? (await this.#state());
    const definitionsBefore = this.row.before === undefined ? this.observer.definitions : await this.observer.definitionsNow();
    const rowsBefore = this.row.before === undefined ? this.observer.rows : await this.observer.rowsSeenBy(this.#connection);
    await this.#begin();
    const error = await failureOf(this.#send());
    await failureOf(this.#connection.query(END));
    const history = ofTheRow(await this.observer.historyOf(this.#thread));
    const transaction = this.row.alone === true ? 'none' : await this.#transaction();
    const tables = differences(rowsBefore, await this.observer.rowsSeenBy(this.#connection));
    const refusesWrites = await this.#refusesWrites();
    await failureOf(this.#connection.query('ROLLBACK'));
    const after = await this.#state();
    const session = differences(before, after);
    this.session.state = after;
    // No definition changes without a commit.
    const definitions = transaction === 'open' ? [] : differences(definitionsBefore, await this.observer.definitionsNow());
    const asReader = this.claims.readOnly && error === undefined ? await this.#asReader() : [];
    const alsoReads = error === undefined && session.length === 0 ? await this.#alsoReads() : [];
    return {
      error,
      session,
      transaction,
      history,
      tables,
      definitions,
      refusesWrites,
      askedForFile: this.#askedForFile,
      asReader,
      alsoReads,
    };
  }

  async #prepare(): Promise<void> {
    const { sqlMode, before = [] } = this.row;
    if (sqlMode !== undefined) await this.#connection.query("SET sql_mode = CONCAT(@@sql_mode, ',', ?)", [sqlMode]);
    for (const statement of before) await this.#connection.query(statement);
  }

  async #begin(): Promise<void> {
    if (this.row.alone !== true) await this.#connection.query(`START TRANSACTION; INSERT INTO ${MAIN_DATABASE}.${MARKER} VALUES (1)`);
    await failureOf(this.#connection.query(BEGINNING));
  }

  #send(): Promise<unknown> {
    const infileStreamFactory = (): Readable => {
      this.#askedForFile = true;
      return Readable.from([Buffer.from('90\t90\n')]);
    };
    const options: QueryOptions = { sql: this.row.sql, infileStreamFactory };
    return this.#connection.query(options);
  }

  /** The session and what it holds, in no transaction. */
  async #state(): Promise<Snapshot> {
    return new Map([...(await ownState(this.#connection)), ...(await this.#held())]);
  }

  async #held(): Promise<Snapshot> {
    return new Map([...(await this.observer.heldBy(this.#thread)), ...(await this.observer.locksOf(this.#thread))]);
  }

  async #transaction(): Promise<'open' | 'committed' | 'rolled back'> {
    if (await this.observer.seesMarker()) return 'committed';
    return (await hasMarker(this.#connection)) ? 'open' : 'rolled back';
  }

  async #refusesWrites(): Promise<boolean> {
    const failure = await failureOf(this.#connection.query(`UPDATE ${MAIN_DATABASE}.${MARKER} SET id = id WHERE id = -1`));
    return failure?.errno === READ_ONLY_TRANSACTION;
  }

  /** Twice in a read-only transaction: it must succeed and leave no trace. */
  async #asReader(): Promise<string[]> {
    const before = await this.#held();
    await this.#connection.query('START TRANSACTION READ ONLY');
    const errors = [await failureOf(this.#send()), await failureOf(this.#send())];
    await this.#connection.query('ROLLBACK');
    const rows = await this.observer.rowsSeenBy(this.#connection);
    const traces = [...differences(before, await this.#held()), ...differences(this.observer.rows, rows)];
    return [...traces, ...errors.flatMap((error) => (error === undefined ? [] : [error.message]))];
  }

  /** Empties every table that the reader does not name: the answer must be the same. */
  async #alsoReads(): Promise<string[]> {
    const connection = this.#connection;
    const { sql } = this.row;
    const named = this.claims.reads;
    if (named === undefined) return [];
    const unnamed = TABLE_NAMES.filter((name) => !name.endsWith('.legacy') && !named.includes(tableOf(name)));
    await connection.query('SET foreign_key_checks = 0; START TRANSACTION');
    const answers = [await answerOf(connection, sql), await answerOf(connection, sql)];
    await connection.query(unnamed.map((name) => `DELETE FROM ${name}`).join(';'));
    const without = await answerOf(connection, sql);
    await connection.query('ROLLBACK; SET foreign_key_checks = 1');
    const shown = answers[0] === answers[1] && without !== answers[0] ? ['its answer changes with tables that are not named'] : [];
    return [...shown, ...(await this.#explained()).filter((name) => !named.includes(name))];
  }

  /** The tables that EXPLAIN names; aliases are no names of tables. */
  async #explained(): Promise<string[]> {
    const [rows] = (await this.#connection.query(`EXPLAIN ${this.row.sql}`).catch(() => [[]])) as unknown as [{ table?: string | null }[]];
    const tables = new Set(TABLE_NAMES.map(tableOf));
    return Array.isArray(rows) ? rows.flatMap(({ table }) => (table != null && tables.has(table) ? [table] : [])) : [];
  }
}

/** The name of a table without its database and quotes. */
export function tableOf(name: string): string {
  return name
    .replace(/^\w+\./, '')
    .replace(/^`|`$/g, '')
    .replaceAll('``', '`');
}

async function answerOf(connection: Connection, sql: string): Promise<string> {
  return JSON.stringify((await connection.query(sql))[0]);
}

async function failureOf(running: Promise<unknown>): Promise<Observation['error']> {
  try {
    await running;
    return undefined;
  } catch (error) {
    const { errno = 0, message } = error as { errno?: number; message: string };
    return { errno, message };
  }
}

/** What the history has between the two marks. The second may not have arrived yet, the row has. */
function ofTheRow(history: readonly HistoryEntry[]): HistoryEntry[] {
  const start = history.findLastIndex(({ text }) => text?.startsWith(BEGINNING) === true);
  const end = history.findLastIndex(({ text }) => text?.startsWith(END) === true);
  return history.slice(start + 1, end > start ? end : history.length);
}
