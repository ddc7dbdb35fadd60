/** The demo's cluster with its light traffic: reads go to the replica, writes to the writer. */
import { clearInterval, performance, setInterval } from '../../engine/waiting/index.js';
import { type Cluster, createCluster } from '../../index.js';
import { type ReplicatedPair, ORDERS_TABLE } from './replicated-pair.js';

/** The name of the cluster. */
export const SHOP = 'shop';

const EVERY_MS = 50;
/** One write in this many statements. */
const READS_PER_WRITE = 4;
const ORDERS = 20;
/** Callers wait through a fail-over. */
const ACQUIRE_TIMEOUT_MS = 60_000;

/** What became of the traffic. */
export interface Traffic {
  readonly done: number;
  readonly failed: number;
  /** The longest time that a write took, in milliseconds. */
  readonly longestWriteMs: number;
}

/** An application on a cluster. It lives until `stop()`. */
export class Shop {
  readonly db: Cluster;
  #timer: NodeJS.Timeout | undefined = undefined;
  #started = 0;
  #traffic: Traffic = NO_TRAFFIC;

  constructor({ nodes }: Pick<ReplicatedPair, 'nodes'>) {
    this.db = createCluster({ name: SHOP, nodes, connectionLimit: 4, acquireTimeout: ACQUIRE_TIMEOUT_MS });
  }

  /** Creates the table and its rows, and starts the traffic. */
  async open(): Promise<void> {
    await this.db.query(`CREATE TABLE ${ORDERS_TABLE} (id INT PRIMARY KEY, seen BIGINT NOT NULL)`);
    const rows = Array.from({ length: ORDERS }, (_, index) => [index, 0]);
    await this.db.query(`INSERT INTO ${ORDERS_TABLE} VALUES ?`, [rows]);
    this.#timer = setInterval(() => void this.#step(), EVERY_MS);
  }

  /** The traffic since the last call. */
  takeTraffic(): Traffic {
    const traffic = this.#traffic;
    this.#traffic = NO_TRAFFIC;
    return traffic;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.db.end();
  }

  async #step(): Promise<void> {
    this.#started += 1;
    const isWrite = this.#started % READS_PER_WRITE === 0;
    const id = this.#started % ORDERS;
    const startedAt = performance.now();
    try {
      // It may run twice, so a lost connection is no error for its caller.
      if (isWrite)
        await this.db.query({ sql: `UPDATE ${ORDERS_TABLE} SET seen = ? WHERE id = ?`, values: [this.#started, id], idempotent: true });
      else await this.db.reader.query(`SELECT seen FROM ${ORDERS_TABLE} WHERE id = ?`, [id]);
      const writeMs = isWrite ? performance.now() - startedAt : 0;
      const { done, longestWriteMs } = this.#traffic;
      this.#traffic = { ...this.#traffic, done: done + 1, longestWriteMs: Math.max(longestWriteMs, writeMs) };
    } catch {
      this.#traffic = { ...this.#traffic, failed: this.#traffic.failed + 1 };
    }
  }
}

const NO_TRAFFIC: Traffic = { done: 0, failed: 0, longestWriteMs: 0 };
