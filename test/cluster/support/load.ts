/** Callers that keep a cluster busy, and what became of what they asked. */
import type { Cluster } from '../../../src/cluster/index.js';
import type { PoolError } from '../../../src/engine/index.js';
import { outcomeOf } from '../../support/pool-on-database.js';
import type { ReplicatedNode } from '../../support/replication/replicated-node.js';
import { waitFor } from '../../support/wait-for.js';

const LONG = { intervalMs: 20 };

/** Of every ten statements of a caller that reads and writes, one writes. */
const STATEMENTS_PER_WRITE = 10;

/** What callers have met so far. */
export interface Load {
  /** The values whose writes were answered. */
  readonly acknowledged: readonly number[];
  /** Writes that failed. */
  readonly failed: readonly PoolError[];
  readonly failedReads: readonly PoolError[];
  readonly reads: number;
  /** The longest time between two answers to writes, in milliseconds. */
  readonly longestPauseMs: number;
  /** Resolves when so many more writes were answered. */
  more(writes: number): Promise<void>;
  stop(): Promise<void>;
}

class Callers implements Load {
  readonly acknowledged: number[] = [];
  readonly failed: PoolError[] = [];
  readonly failedReads: PoolError[] = [];
  reads = 0;
  longestPauseMs = 0;
  #lastAnswerAt: number | undefined = undefined;
  #next = 0;
  #going = true;
  readonly #running: readonly Promise<void>[];

  constructor(
    private readonly db: Cluster,
    callers: number,
    private readonly alsoReads: boolean,
  ) {
    this.#running = Array.from({ length: callers }, (_, index) => this.#run(index));
  }

  async more(writes: number): Promise<void> {
    const goal = this.acknowledged.length + writes;
    await waitFor(`${writes} more writes`, () => this.acknowledged.length >= goal, Boolean, LONG);
  }

  async stop(): Promise<void> {
    this.#going = false;
    await Promise.all(this.#running);
  }

  async #run(caller: number): Promise<void> {
    let turn = caller;
    while (this.#going) {
      if (this.alsoReads && turn % STATEMENTS_PER_WRITE !== 0) await this.#read();
      else await this.#write();
      turn += 1;
    }
  }

  async #read(): Promise<void> {
    const outcome = await outcomeOf(this.db.reader.query('SELECT value FROM written WHERE value = 1'));
    if ('error' in outcome) this.failedReads.push(outcome.error as PoolError);
    else this.reads += 1;
  }

  async #write(): Promise<void> {
    this.#next += 1;
    const value = this.#next;
    const outcome = await outcomeOf(this.db.query('INSERT INTO written (value) VALUES (?)', [value]));
    if ('error' in outcome) {
      this.failed.push(outcome.error as PoolError);
      return;
    }
    this.acknowledged.push(value);
    const now = performance.now();
    if (this.#lastAnswerAt !== undefined) this.longestPauseMs = Math.max(this.longestPauseMs, now - this.#lastAnswerAt);
    this.#lastAnswerAt = now;
  }
}

/** Callers that write into the table `written` without a break. */
export function writers(db: Cluster, callers: number): Load {
  return new Callers(db, callers, false);
}

/** Callers of whose statements nine in ten read, on `db.reader`. */
export function readersAndWriters(db: Cluster, callers: number): Load {
  return new Callers(db, callers, true);
}

/** The values that a server does not have. */
export async function missing(node: ReplicatedNode, values: readonly number[]): Promise<readonly number[]> {
  const rows = await node.admin(`SELECT value FROM ${node.connection.database}.written`);
  const there = new Set(rows.map(({ value }) => Number(value)));
  return values.filter((value) => !there.has(value));
}

export async function writerIs(db: Cluster, name: string | undefined): Promise<void> {
  await waitFor(
    `the writer to be ${name}`,
    () => db.topology().writer,
    (writer) => writer === name,
    LONG,
  );
}
