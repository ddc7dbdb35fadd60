import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { PoolConnection as CallbackConnection } from 'mysql2';
import type { Pool } from '../../src/index.js';
import { sequence } from '../support/sql-servers/sequence.js';

/** A refused caller comes again after this time. */
const PAUSE_AFTER_FAILURE_MS = 20;

/** No call may take longer: all waits are bounded by less. */
const LONGEST_CALL_MS = 30_000;

const ROWS = 200;
const INSERT = 'INSERT INTO ledger (id) VALUES (?)';

/** After these it is not known whether a write took effect. */
const UNKNOWN_OUTCOMES: ReadonlySet<string> = new Set(['POOL_CONNECTION_LOST', 'POOL_COMMIT_UNKNOWN']);

/** The answers of callers about a write: all of the ids are in the ledger, or none. */
export interface Write {
  readonly ids: readonly number[];
  /** `ok`, or the code of the error. */
  readonly outcome: string;
}

export type Kind = 'query' | 'execute' | 'aborted' | 'timed out' | 'insert' | 'transaction' | 'by hand' | 'by callback' | 'stream';

const KINDS: readonly Kind[] = ['query', 'execute', 'aborted', 'timed out', 'insert', 'transaction', 'by hand', 'by callback', 'stream'];

/** Callers that use a pool in every way, as fast as it goes, and note their answers. */
export class Load {
  /** Ended calls by `kind: ok` or `kind: code`. */
  readonly outcomes = new Map<string, number>();
  /** What must never happen, with how often. */
  readonly violations = new Map<string, number>();
  ended = 0;
  failed = 0;
  lastSuccessAt = 0;
  #writes: Write[] = [];
  #nextId = 1;
  #stopped = false;
  #typicalMs = 20;
  readonly #startedAt = new Map<number, number>();
  #calls = 0;
  readonly #callers: Promise<void>[] = [];

  constructor(private readonly pool: Pool) {}

  async prepare(): Promise<void> {
    await this.pool.query('CREATE TABLE ledger (id BIGINT PRIMARY KEY) ENGINE = InnoDB');
  }

  start(callers: number): void {
    for (let caller = 0; caller < callers; caller += 1) this.#callers.push(this.#call(caller));
  }

  /** Resolves when every call has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#callers);
  }

  violation(what: string): void {
    this.violations.set(what, (this.violations.get(what) ?? 0) + 1);
  }

  /** Calls that should have ended by now. */
  checkForHangs(): void {
    const now = performance.now();
    for (const [call, startedAt] of this.#startedAt) {
      if (now - startedAt < LONGEST_CALL_MS) continue;
      this.violation(`a call did not end within ${LONGEST_CALL_MS} ms`);
      this.#startedAt.delete(call);
    }
  }

  /** The writes that have ended since the last time. */
  takeWrites(): readonly Write[] {
    const writes = this.#writes;
    this.#writes = [];
    return writes;
  }

  /** Compares the answers that callers got with what is in the ledger. */
  checkWrites(writes: readonly Write[], written: ReadonlySet<number>): void {
    for (const { ids, outcome } of writes) {
      const there = ids.filter((id) => written.has(id)).length;
      if (there !== 0 && there !== ids.length) this.violation(`half of a transaction was kept (${outcome})`);
      if (outcome === 'ok' && there === 0) this.violation('a write was lost that had succeeded');
      if (outcome !== 'ok' && there > 0 && !UNKNOWN_OUTCOMES.has(outcome)) this.violation(`a write was kept that had failed (${outcome})`);
      if (outcome === 'ER_DUP_ENTRY') this.violation('a write was applied twice');
    }
  }

  async #call(caller: number): Promise<void> {
    for (let turn = caller; !this.#stopped; turn += 1) {
      const kind = KINDS[turn % KINDS.length] as Kind;
      this.#calls += 1;
      const call = this.#calls;
      const startedAt = performance.now();
      this.#startedAt.set(call, startedAt);
      const outcome = await this.#outcomeOf(kind, call);
      this.#startedAt.delete(call);
      this.ended += 1;
      const key = `${kind}: ${outcome}`;
      this.outcomes.set(key, (this.outcomes.get(key) ?? 0) + 1);
      if (outcome === 'ok') {
        this.lastSuccessAt = performance.now();
        if (kind === 'query') this.#typicalMs += (this.lastSuccessAt - startedAt - this.#typicalMs) / 20;
      } else if (outcome !== 'POOL_ABORTED' && outcome !== 'POOL_QUERY_TIMEOUT') {
        this.failed += 1;
        await delay(PAUSE_AFTER_FAILURE_MS);
      }
    }
  }

  async #outcomeOf(kind: Kind, call: number): Promise<string> {
    try {
      await this.#run(kind, call);
      return 'ok';
    } catch (error) {
      const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
      if (typeof code !== 'string') {
        this.violation(`a failure without a code: ${kind}: ${String(message)}`);
        return 'no code';
      }
      if (code === 'ER_QUERY_INTERRUPTED') this.violation(`a kill hit a statement that was not given up: ${kind}`);
      return code;
    }
  }

  async #run(kind: Kind, call: number): Promise<void> {
    const { pool } = this;
    switch (kind) {
      case 'query': {
        const [rows] = await pool.query('SELECT ? AS value', [call]);
        this.#expectValue(kind, rows, call);
        return;
      }
      case 'execute': {
        const [rows] = await pool.execute('SELECT ? AS value', [call]);
        this.#expectValue(kind, rows, call);
        return;
      }
      case 'aborted': {
        const abort = new AbortController();
        const timer = setTimeout(() => abort.abort(), this.#patienceMs());
        try {
          const { signal } = abort;
          const sql = `SELECT ${call} + SLEEP(0.01) AS value`;
          const [rows] = await (call % 2 === 0 ? pool.query({ sql, signal }) : pool.execute({ sql, signal }));
          this.#expectValue(kind, rows, call);
        } finally {
          clearTimeout(timer);
        }
        return;
      }
      case 'timed out': {
        const [rows] = await pool.query({ sql: `SELECT ${call} + SLEEP(0.01) AS value`, timeout: this.#patienceMs() });
        this.#expectValue(kind, rows, call);
        return;
      }
      case 'insert':
        await this.#write(1, async ([id]) => void (await pool.query(INSERT, [id])));
        return;
      case 'transaction': {
        const abort = new AbortController();
        const timer = call % 3 === 0 ? setTimeout(() => abort.abort(), this.#patienceMs()) : undefined;
        await this.#write(2, async ([first, second]) => {
          await pool.transaction(
            async (tx) => {
              await tx.query(INSERT, [first]);
              await tx.transaction(async (inner) => void (await inner.execute(INSERT, [second as number])));
            },
            { signal: abort.signal, timeout: 5_000 },
          );
        }).finally(() => clearTimeout(timer));
        return;
      }
      case 'by hand':
        await this.#write(2, async ([first, second]) => {
          await using connection = await pool.getConnection();
          const [rows] = await connection.query('SELECT @soak AS left_behind');
          if ((rows as { left_behind: unknown }[])[0]?.left_behind != null)
            this.violation('I8: a session variable of another borrower was seen');
          await connection.query('SET @soak = 1');
          await connection.beginTransaction();
          await connection.query(INSERT, [first]);
          await connection.query(INSERT, [second]);
          await connection.commit();
        });
        return;
      case 'by callback': {
        const connection = await new Promise<CallbackConnection>((resolve, reject) => {
          pool.pool.getConnection((error, lent) => (error === null ? resolve(lent) : reject(error)));
        });
        try {
          const rows = await new Promise((resolve, reject) => {
            connection.query('SELECT ? AS value', [call], (error, answer) => (error === null ? resolve(answer) : reject(error)));
          });
          this.#expectValue(kind, rows, call);
        } finally {
          connection.release();
        }
        return;
      }
      case 'stream': {
        const stream = pool.pool.query(`SELECT seq AS value FROM ${sequence(ROWS)}`).stream();
        if (call % 3 === 0) {
          await once(stream, 'data');
          stream.destroy();
          return;
        }
        const rows = await stream.toArray();
        if (rows.length !== ROWS) this.violation(`a stream ended after ${rows.length} of ${ROWS} rows without an error`);
      }
    }
  }

  async #write(lines: number, write: (ids: readonly number[]) => Promise<void>): Promise<void> {
    const ids = Array.from({ length: lines }, (_, index) => this.#nextId + index);
    this.#nextId += lines;
    try {
      await write(ids);
      this.#writes.push({ ids, outcome: 'ok' });
    } catch (error) {
      const { code } = error as { readonly code?: unknown };
      this.#writes.push({ ids, outcome: String(code) });
      throw error;
    }
  }

  /** So that calls are given up in every stage, even when they are over, however fast the machine is. */
  #patienceMs(): number {
    return 1 + Math.random() * 2 * this.#typicalMs;
  }

  #expectValue(kind: Kind, rows: unknown, value: number): void {
    const answer = (rows as { value: unknown }[])[0]?.value;
    if (Number(answer) !== value) this.violation(`${kind}: the answer of another statement`);
  }
}
