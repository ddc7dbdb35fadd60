/** The troubles that the demo stages, so that one can see what the dashboard makes of them. */
import { ignore, pause } from '../engine/waiting/index.js';
import type { Pool } from '../index.js';
import type { FailOver } from './fail-over/fail-over.js';
import { SHOP } from './fail-over/shop.js';
import type { PrivateServer } from './private-server.js';

/** A trouble that can be staged. */
export type TroubleName = 'slow' | 'leak' | 'exhausted' | 'database' | 'failover';

/** What happens in each trouble, in words. */
export const TROUBLES: Readonly<Record<TroubleName, string>> = {
  slow: 'a slow statement takes nearly all connections',
  leak: 'a borrower forgets to release',
  exhausted: 'a transaction locks every row, and callers queue',
  database: 'the database dies, and comes back',
  failover: 'a cluster loses its writer, and its replica is promoted',
};

/** The pool on which it is seen. The cluster is not there before its first fail-over. */
export function poolOf(name: TroubleName): string {
  return name === 'failover' ? SHOP : 'demo';
}

const LASTS_MS: Readonly<Record<Exclude<TroubleName, 'failover'>, number>> = {
  slow: 20_000,
  leak: 40_000,
  exhausted: 12_000,
  database: 12_000,
};
const CALM_MS = 20_000;

/** Stages troubles on the pool of the demo, one at a time. */
export class Troubles {
  #running: TroubleName | undefined = undefined;
  #ended: Promise<void> = Promise.resolve();

  /** @param stop ends the trouble that runs, and what was to come */
  constructor(
    private readonly pool: Pool,
    private readonly database: Pick<PrivateServer, 'kill' | 'restart'>,
    private readonly failOver: Pick<FailOver, 'run'>,
    private readonly say: (text: string) => void,
    private readonly stop: AbortSignal,
  ) {}

  /** The one that runs. */
  get running(): TroubleName | undefined {
    return this.#running;
  }

  /** The end of the last one. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /**
   * Stages a trouble, unless one runs already.
   *
   * @returns its end; undefined when another runs
   */
  stage(name: TroubleName): Promise<void> | undefined {
    if (this.#running !== undefined) return undefined;
    this.#running = name;
    this.say(`Trouble: ${TROUBLES[name]}.`);
    this.#ended = this.#run(name).finally(() => {
      this.#running = undefined;
      if (!this.stop.aborted) this.say('The trouble is over.');
    });
    return this.#ended;
  }

  /** Stages one after the other, with calm between them, until `stop` aborts. */
  async stageAll(): Promise<void> {
    while (!this.stop.aborted) {
      for (const name of Object.keys(TROUBLES) as TroubleName[]) {
        await pause(CALM_MS, { signals: [this.stop] });
        if (!this.stop.aborted) await this.stage(name);
      }
    }
  }

  async #run(name: TroubleName): Promise<void> {
    try {
      if (name === 'slow') await this.#runSlowReports();
      else if (name === 'leak') await this.#forgetToRelease();
      else if (name === 'exhausted') await this.#lockEveryRow();
      else if (name === 'database') await this.#killDatabase();
      else await this.failOver.run();
    } catch (error) {
      // The demo continues: a trouble may fail for the trouble that came before it.
      this.say(`The trouble ended early: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #runSlowReports(): Promise<void> {
    const over = new AbortController();
    const report = async (): Promise<void> => {
      while (!over.signal.aborted && !this.stop.aborted) {
        await this.pool
          .query({ sql: 'SELECT COUNT(*) AS sold, SLEEP(2) FROM accounts WHERE balance > ?', values: [-1], timeout: 3_000 })
          .catch(ignore);
      }
    };
    const reports = Array.from({ length: Math.max(1, this.pool.summary().limit - 1) }, report);
    await this.#while('slow');
    over.abort();
    await Promise.all(reports);
  }

  async #forgetToRelease(): Promise<void> {
    const borrowed = await Promise.all(Array.from({ length: Math.ceil(this.pool.summary().limit * 0.6) }, () => this.pool.getConnection()));
    await this.#while('leak');
    for (const connection of borrowed) connection.release();
  }

  async #lockEveryRow(): Promise<void> {
    await this.pool.transaction(async (tx) => {
      await tx.query('SELECT id FROM accounts FOR UPDATE');
      await this.#while('exhausted');
    });
  }

  async #killDatabase(): Promise<void> {
    await this.database.kill('SIGKILL');
    await this.#while('database');
    if (!this.stop.aborted) await this.database.restart();
  }

  async #while(name: keyof typeof LASTS_MS): Promise<void> {
    await pause(LASTS_MS[name], { signals: [this.stop] });
  }
}
