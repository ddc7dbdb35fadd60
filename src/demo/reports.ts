/** The demo's second pool: a few reports that come from a cache, and writes that invalidate them. */
import { clearInterval, ignore, setInterval } from '../engine/waiting/index.js';
import type { Pool } from '../index.js';

const EVERY_MS = 50;
const REPORTS = 12;
/** One write in this many reads: each makes the reports wrong, and the cache drops them. */
const READS_PER_WRITE = 100;

/** Reads reports through the pool's cache, some twenty a second. */
export class Reports {
  #timer: NodeJS.Timeout | undefined = undefined;
  #read = 0;

  constructor(private readonly pool: Pool) {}

  start(): void {
    this.#timer = setInterval(() => void this.#step().catch(ignore), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #step(): Promise<void> {
    this.#read += 1;
    if (this.#read % READS_PER_WRITE === 0) {
      await this.pool.query('UPDATE regions SET sales = sales + 1 WHERE id = ?', [1 + (this.#read % REPORTS)]);
      return;
    }
    const sql = 'SELECT name, sales FROM regions WHERE id = ?';
    await this.pool.query({ sql, values: [1 + Math.floor(Math.random() * REPORTS)], cache: { ttl: 10_000 } });
  }

  /** Creates the table and its rows. */
  async seed(): Promise<void> {
    await this.pool.query('CREATE TABLE IF NOT EXISTS regions (id INT PRIMARY KEY, name VARCHAR(64) NOT NULL, sales BIGINT NOT NULL)');
    const rows = Array.from({ length: REPORTS }, (_, index) => [index + 1, `region ${index + 1}`, 0]);
    await this.pool.query('INSERT IGNORE INTO regions (id, name, sales) VALUES ?', [rows]);
  }
}
