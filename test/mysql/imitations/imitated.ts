import type { PoolOptions } from '../../../src/mysql/options/table.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { type Imitation, type ImitationOptions, startImitation } from '../../support/imitations/imitation.js';
import { type ServerFault, SESSION_TRACK } from '../../support/imitations/packets.js';
import { outcomeOf, poolOf } from '../../support/pool-on-database.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { createLedger, ledgerIds } from '../support/ledger.js';

/** The products as they greet, and with what numbers; a proxy's address is what the server behind it sees. */
export const PRODUCTS = {
  TiDB: { version: '8.0.11-TiDB-v8.5.0', without: SESSION_TRACK },
  Vitess: { version: '8.0.30-Vitess', without: SESSION_TRACK, numberOf: ({ index }) => 1_000_000 + index, keepsPorts: false },
  ProxySQL: { version: '8.0.11', numberOf: ({ index }) => 500_000 + index, keepsPorts: false },
  MaxScale: { version: '10.11.2-MariaDB-RWsplit', numberOf: ({ index }) => 600_000 + index, keepsPorts: false },
  'Amazon Aurora': {},
  'RDS Proxy': { version: '8.0.28', numberOf: ({ index }) => 700_000 + index, keepsPorts: false },
} as const satisfies Readonly<Record<string, Omit<ImitationOptions, 'port'>>>;

/** A pool on an imitated product, which has a table `ledger (id PRIMARY KEY, note)`. */
export interface Imitated extends AsyncDisposable {
  readonly pool: Pool;
  readonly imitation: Imitation;
  readonly database: TestDatabase;
  /** The ids in the ledger, seen by another session. */
  ids(): Promise<number[]>;
}

/** Starts an imitation before this run's server, and a pool on it. */
export async function openImitated(product: Omit<ImitationOptions, 'port'>, options: PoolOptions = {}): Promise<Imitated> {
  const database = await createDatabase();
  await createLedger(database);
  const imitation = await startImitation({ port: database.port, ...product });
  const pool = poolOf(database, { port: imitation.port, connectionLimit: 1, ...options });
  return {
    pool,
    imitation,
    database,
    ids: () => ledgerIds(database),
    async [Symbol.asyncDispose]() {
      await pool.end();
      await imitation[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** Asks until a connection is opened. Returns the numbers of the errors with which connecting failed before. */
export async function connectedAfter(pool: Pool): Promise<readonly unknown[]> {
  const errnos: unknown[] = [];
  for (;;) {
    const outcome = await outcomeOf(pool.query('SELECT 1'));
    if (!('error' in outcome)) return errnos;
    const { code, cause } = outcome.error as { readonly code?: string; readonly cause?: { readonly errno?: number } };
    if (code !== 'POOL_CONNECT_FAILED' && code !== 'POOL_BREAKER_OPEN') throw outcome.error;
    errnos.push(cause?.errno);
  }
}

/** An error of a product. */
export function fault(errno: number, message: string, state = 'HY000'): { readonly fault: ServerFault } {
  return { fault: { errno, state, message } };
}

/** What the pool has sent by itself: nothing that a test sent has this mark. */
export const MINE = '/* mine */';

export function ownTexts({ received }: Imitation): readonly string[] {
  return received.filter((text) => !text.includes(MINE));
}
