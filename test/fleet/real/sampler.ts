/** Looks at the server's list of connections every 10 ms, over a connection of the administrator's: how many the account has, and which process has them. */

import type { Connection, RowDataPacket } from 'mysql2/promise';

const SAMPLE_MS = 10;

/** Connections whose login is under way have no account yet. */
const SQL =
  "SELECT DB AS name, COUNT(*) AS connections FROM information_schema.PROCESSLIST WHERE USER IN (?, 'unauthenticated user') GROUP BY DB";

/** What the account had at one moment. */
export interface Sample {
  readonly at: number;
  readonly connections: number;
  /** Those of frozen processes. */
  readonly ofFrozen: number;
}

/** The highest figures since they were last taken. */
export interface Highest {
  readonly connections: number;
  readonly ofFrozen: number;
  readonly samples: number;
}

/** Samples until it is stopped. */
export class Sampler {
  /** Samples above the budget. */
  readonly above: Sample[] = [];
  samples = 0;
  #highest: Highest = { connections: 0, ofFrozen: 0, samples: 0 };
  #stopped = false;
  readonly #done: Promise<void>;

  /** @param isFrozen whether the process of this database is frozen */
  constructor(
    private readonly session: Connection,
    private readonly user: string,
    private readonly budget: number,
    private readonly isFrozen: (database: string) => boolean,
  ) {
    this.#done = this.#run();
  }

  /** The highest figures since this was last called. */
  takeHighest(): Highest {
    const highest = this.#highest;
    this.#highest = { connections: 0, ofFrozen: 0, samples: 0 };
    return highest;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const at = performance.now();
      const [rows] = await this.session.query<RowDataPacket[]>(SQL, [this.user]);
      this.#look(at, rows as { name: string | null; connections: number }[]);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, at + SAMPLE_MS - performance.now())));
    }
  }

  #look(at: number, rows: readonly { readonly name: string | null; readonly connections: number }[]): void {
    let [connections, ofFrozen] = [0, 0];
    for (const row of rows) {
      connections += row.connections;
      if (row.name !== null && this.isFrozen(row.name)) ofFrozen += row.connections;
    }
    this.samples += 1;
    const highest = this.#highest;
    this.#highest = {
      connections: Math.max(highest.connections, connections),
      ofFrozen: Math.max(highest.ofFrozen, ofFrozen),
      samples: highest.samples + 1,
    };
    if (connections > this.budget) this.above.push({ at, connections, ofFrozen });
  }
}
