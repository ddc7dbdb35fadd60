import type { RowDataPacket } from 'mysql2/promise';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import type { TestDatabase } from '../../support/servers/database.js';
import { INSERT } from '../../mysql/support/ledger.js';
import { codeOf } from './fault.js';

/** The outcome of a write is not known with these codes only: the line may be there, or not. */
const UNKNOWN_OUTCOMES: ReadonlySet<string> = new Set(['POOL_CONNECTION_LOST', 'POOL_COMMIT_UNKNOWN']);

/** A write, and what answer its caller got. */
interface Write {
  /** The lines that it puts into the ledger: all of them, or none. */
  readonly ids: readonly number[];
  /** `ok`, or the code of the error. */
  readonly outcome: string;
}

/** Callers that write into a ledger, one line after the other, in every way that a pool offers, and note their answers. */
export class Writers {
  readonly writes: Write[] = [];
  readonly #callers: Promise<void>[];
  #nextId = 1;
  #stopped = false;
  #started = 0;

  constructor(
    private readonly pool: Pool,
    callers: number,
  ) {
    this.#callers = Array.from({ length: callers }, async (_, caller) => await this.#call(caller));
  }

  /** Starts no more writes; resolves when each caller has the answer to its last one. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#callers);
  }

  /** Writes that were begun and whose caller has no answer yet. */
  get unsettled(): number {
    return this.#started - this.writes.length;
  }

  countOf(outcome: string): number {
    return this.writes.filter((write) => write.outcome === outcome).length;
  }

  /** How the writes ended, with how often. */
  outcomes(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { outcome } of this.writes) counts[outcome] = (counts[outcome] ?? 0) + 1;
    return counts;
  }

  /** Answers to callers that the ledger contradicts. */
  async lies(database: Pick<TestDatabase, 'admin'>): Promise<readonly string[]> {
    const rows = await database.admin<(RowDataPacket & { id: number })[]>('SELECT id FROM ledger');
    const written = new Set(rows.map(({ id }) => id));
    const lies: string[] = [];
    for (const { ids, outcome } of this.writes) {
      const there = ids.filter((id) => written.has(id)).length;
      if (there !== 0 && there !== ids.length) lies.push(`half of a transaction was kept: ${outcome}`);
      if (outcome === 'ok' && there === 0) lies.push('a write was lost that had succeeded');
      if (outcome !== 'ok' && there > 0 && !UNKNOWN_OUTCOMES.has(outcome)) lies.push(`a write was kept that had failed with ${outcome}`);
      // The ids are unique: only a second application of the same write can find its line there.
      if (outcome === 'ER_DUP_ENTRY') lies.push('a write was applied twice');
    }
    return lies;
  }

  async #call(caller: number): Promise<void> {
    const ways = [
      { lines: 1, run: (ids: number[]) => this.#byQuery(ids) },
      { lines: 1, run: (ids: number[]) => this.#byExecute(ids) },
      { lines: 2, run: (ids: number[]) => this.#byTransaction(ids) },
      { lines: 2, run: (ids: number[]) => this.#byHand(ids) },
    ];
    for (let turn = caller; !this.#stopped; turn += 1) {
      const way = ways[turn % ways.length] as (typeof ways)[number];
      const ids = Array.from({ length: way.lines }, (_, index) => this.#nextId + index);
      this.#nextId += way.lines;
      this.#started += 1;
      const outcome = await codeOf(way.run(ids));
      this.writes.push({ ids, outcome });
      // A refusal may come at once: others must have their turn.
      if (outcome !== 'ok') await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #byQuery([id]: number[]): Promise<void> {
    await this.pool.query(INSERT, [id, 'query']);
  }

  async #byExecute([id]: number[]): Promise<void> {
    await this.pool.execute(INSERT, [id as number, 'execute']);
  }

  async #byTransaction([id, other]: number[]): Promise<void> {
    await this.pool.transaction(async (tx) => {
      await tx.query(INSERT, [id, 'transaction']);
      await tx.execute(INSERT, [other as number, 'transaction']);
    });
  }

  async #byHand([id, other]: number[]): Promise<void> {
    await using connection = await this.pool.getConnection();
    await connection.beginTransaction();
    await connection.query(INSERT, [id, 'by hand']);
    await connection.query(INSERT, [other, 'by hand']);
    await connection.commit();
  }
}
