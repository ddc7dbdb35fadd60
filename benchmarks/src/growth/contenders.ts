/** Pools that differ in when they open: ours, which is the engine itself, and the rules of others. */

import { Pool } from 'poolwright/engine';
import { seededRandom } from '../runner/shuffle.js';
import type { SimulatedTime } from './simulated-time.js';

/** What a simulated caller sees of a pool. */
export interface Contender {
  acquire(): Promise<() => void>;
  /** Connections that were opened or are on their way, those of the start included. */
  readonly opened: number;
  close(): Promise<void>;
}

/** How a pool is at the start of a scene: so many connections are open and idle. */
export interface Start {
  readonly time: SimulatedTime;
  readonly warm: number;
  readonly limit: number;
  readonly openMs: number;
  /** How long the uses of the time before took. */
  readonly useMs: number;
}

/** How many openings a rule wants now. */
export type OpeningRule = (state: { readonly waiting: number; readonly opening: number; readonly open: number }) => number;

/** Each caller who finds no connection free opens one, and waits for that one: mysql2. */
export const ONE_FOR_EACH_CALLER = 'one for each caller';
/** One for each waiter; the first waiter gets the resource that comes first: tarn, generic-pool, sequelize-pool. */
export const oneForEachWaiter: OpeningRule = ({ waiting, opening }) => waiting - opening;
/** One after the other while callers wait: HikariCP, whose connections are added by one thread. */
export const oneAfterTheOther: OpeningRule = ({ waiting, opening }) => (waiting > 0 && opening === 0 ? 1 : 0);

/** Opens this many at the first wait, and no more: for the best number in hindsight. */
export function soManyAtOnce(count: number): OpeningRule {
  let left = count;
  return () => {
    const now = left;
    left = 0;
    return now;
  };
}

/** A pool with the rule of another one. */
export class RivalPool implements Contender {
  opened: number;
  #idle: number;
  #opening = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly start: Start,
    private readonly rule: OpeningRule | typeof ONE_FOR_EACH_CALLER,
  ) {
    this.#idle = start.warm;
    this.opened = start.warm;
  }

  async acquire(): Promise<() => void> {
    if (this.#idle > 0) {
      this.#idle -= 1;
    } else if (this.rule === ONE_FOR_EACH_CALLER && this.opened < this.start.limit) {
      this.opened += 1;
      await this.start.time.wait(this.start.openMs);
    } else {
      const served = new Promise<void>((resolve) => this.#waiting.push(resolve));
      this.#open();
      await served;
    }
    return () => this.#free();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #free(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle += 1;
    else next();
  }

  #open(): void {
    if (this.rule === ONE_FOR_EACH_CALLER) return;
    const wanted = this.rule({ waiting: this.#waiting.length, opening: this.#opening, open: this.opened });
    for (let i = 0; i < wanted && this.opened < this.start.limit; i += 1) {
      this.opened += 1;
      this.#opening += 1;
      void this.start.time.wait(this.start.openMs).then(() => {
        this.#opening -= 1;
        this.#free();
        this.#open();
      });
    }
  }
}

/** The product's engine over simulated connections, after a while of the uses that it had before. */
export async function ourPool({ time, warm, limit, openMs, useMs }: Start, minIdle = 0): Promise<Contender> {
  const pool = new Pool<object>(
    {
      open: async () => {
        await time.wait(openMs);
        return {};
      },
      close: () => undefined,
      validate: () => Promise.resolve(),
    },
    { connectionLimit: limit, minIdle, acquireTimeout: 0, idleTimeout: 0, maxLifetime: 0, keepaliveInterval: 0, validateAfterIdle: 1e9 },
    { clock: time, random: seededRandom(1) },
  );
  const first = await Promise.all(Array.from({ length: warm }, () => pool.acquire()));
  for (const lease of first) lease.release();
  for (let turn = 0; turn < 10; turn += 1) {
    const leases = await Promise.all(Array.from({ length: warm }, () => pool.acquire()));
    await time.wait(useMs);
    for (const lease of leases) lease.release();
  }
  return {
    async acquire() {
      const lease = await pool.acquire();
      return () => void lease.release();
    },
    get opened() {
      const { total, opening } = pool.summary();
      return total + opening;
    },
    close: () => pool.close(),
  };
}
