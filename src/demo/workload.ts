/** The sample workload: a small OLTP mix over a table of accounts, at a steady rate. */
import { setInterval, clearInterval, performance } from '../engine/waiting/index.js';
import { Histogram } from '../engine/index.js';
import type { Pool } from '../index.js';

const ACCOUNTS = 1_000;
const START_BALANCE = 1_000;
const TICK_MS = 10;

/** The most operations under way at once: a database that is too slow for the rate must not fill the memory. */
const MOST_UNDER_WAY = 10_000;

/** One second of the workload. */
export interface SecondReport {
  readonly operations: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
  /** Operations that were not started because too many were under way. */
  readonly skipped: number;
  /** The last failure of this second. */
  readonly lastError: unknown;
}

/**
 * Of its operations, 60 % are reads of one row, 15 % of fifty rows, 20 % updates, 5 % transactions that move
 * money from one account to another.
 */
export class Workload {
  readonly #pool: Pool;
  readonly #operationsPerSecond: number;
  #timer: NodeJS.Timeout | undefined = undefined;
  #startedAt = 0;
  #started = 0;
  readonly #underWay = new Set<Promise<void>>();
  #latencies = new Histogram();
  #failed = 0;
  #skipped = 0;
  #lastError: unknown = undefined;

  constructor(pool: Pool, operationsPerSecond: number) {
    this.#pool = pool;
    this.#operationsPerSecond = operationsPerSecond;
  }

  /** Creates the table and its rows. */
  async seed(): Promise<void> {
    await this.#pool.query(
      'CREATE TABLE IF NOT EXISTS accounts (id INT PRIMARY KEY, owner VARCHAR(64) NOT NULL, balance BIGINT NOT NULL, changed INT NOT NULL DEFAULT 0) ENGINE = InnoDB',
    );
    const rows = Array.from({ length: ACCOUNTS }, (_, index) => [index + 1, `owner ${index + 1}`, START_BALANCE]);
    await this.#pool.query('INSERT IGNORE INTO accounts (id, owner, balance) VALUES ?', [rows]);
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#timer = setInterval(() => this.#startDueOperations(), TICK_MS);
  }

  /** Starts no more operations. Resolves when those under way have ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
  }

  /** The operations since the last call. */
  report(): SecondReport {
    const { count, p50Ms, p99Ms } = this.#latencies.summary();
    const report = { operations: count, p50Ms, p99Ms, failed: this.#failed, skipped: this.#skipped, lastError: this.#lastError };
    this.#latencies = new Histogram();
    this.#failed = 0;
    this.#skipped = 0;
    this.#lastError = undefined;
    return report;
  }

  /** Starts as many operations as the time that has passed asks for, so that the rate holds however late a timer is. */
  #startDueOperations(): void {
    const due = Math.floor(((performance.now() - this.#startedAt) / 1000) * this.#operationsPerSecond);
    for (; this.#started < due; this.#started += 1) {
      if (this.#underWay.size >= MOST_UNDER_WAY) this.#skipped += 1;
      else this.#startOperation();
    }
  }

  #startOperation(): void {
    const operation = this.#runMeasured().finally(() => this.#underWay.delete(operation));
    this.#underWay.add(operation);
  }

  async #runMeasured(): Promise<void> {
    const startedAt = performance.now();
    try {
      await this.#runOperation();
      this.#latencies.record(performance.now() - startedAt);
    } catch (error) {
      this.#failed += 1;
      this.#lastError = error;
    }
  }

  async #runOperation(): Promise<void> {
    const kind = Math.random();
    const id = randomAccount();
    if (kind < 0.6) await this.#pool.execute('SELECT id, owner, balance FROM accounts WHERE id = ?', [id]);
    else if (kind < 0.75) await this.#pool.execute('SELECT id, balance FROM accounts WHERE id BETWEEN ? AND ?', [id, id + 49]);
    else if (kind < 0.95) await this.#pool.execute('UPDATE accounts SET changed = changed + 1 WHERE id = ?', [id]);
    else await this.#transferMoney(id, randomAccount());
  }

  async #transferMoney(from: number, to: number): Promise<void> {
    await this.#pool.transaction(async (tx) => {
      await tx.execute('UPDATE accounts SET balance = balance - 1 WHERE id = ?', [from]);
      await tx.execute('UPDATE accounts SET balance = balance + 1 WHERE id = ?', [to]);
    });
  }
}

function randomAccount(): number {
  return 1 + Math.floor(Math.random() * ACCOUNTS);
}
