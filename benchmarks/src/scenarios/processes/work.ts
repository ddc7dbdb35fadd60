import { ACCOUNTS, SMALL_COLUMNS } from '../../data.js';
import type { ConnectionPool } from '../../rivals/lender.js';
import { seededRandom } from '../../runner/shuffle.js';
import { openMix } from '../statements/mix.js';
import { inParallel } from '../timing.js';

export type Kind = 'query' | 'execute' | 'oltp' | 'acquire';

/** What a process does over and over. */
export interface Work {
  /** `callers` at the same time, each doing `each` operations one after the other. */
  run(callers: number, each: number): Promise<unknown>;
  /** @throws Error when the operations together did not do what they should */
  check(): Promise<void>;
}

const SQL = `SELECT ${SMALL_COLUMNS} FROM accounts WHERE id = ?`;

export async function openWork(kind: Kind, pool: Required<ConnectionPool>, id: string, seed: number): Promise<Work> {
  if (kind === 'acquire') return borrowing(pool);
  if (kind === 'oltp') {
    const mix = await openMix(pool, id);
    const { operate, check } = await mix.begin(seed);
    return { run: (callers, each) => inParallel(callers, each, operate), check };
  }
  return asking(pool, kind, seed);
}

/** The loop is the caller's own: an operation in an async function of its own would add the cost of that for each contestant. */
function asking(pool: Required<ConnectionPool>, kind: 'query' | 'execute', seed: number): Work {
  const random = seededRandom(seed);
  const caller = async (turns: number): Promise<void> => {
    for (let done = 0; done < turns; done += 1) {
      const id = 1 + Math.floor(random() * ACCOUNTS);
      const rows = pool.rowsOf(await (kind === 'query' ? pool.query(SQL, [id]) : pool.execute(SQL, [id])));
      if (rows.length !== 1 || rows[0]?.['id'] !== id) throw new Error(`wrong answer for ${id}`);
    }
  };
  return { run: (callers, each) => together(callers, () => caller(each)), check: async () => undefined };
}

function borrowing(pool: ConnectionPool): Work {
  const caller = async (turns: number): Promise<void> => {
    for (let done = 0; done < turns; done += 1) {
      const connection = await pool.acquire();
      if (typeof connection !== 'object' || connection === null) throw new Error(`acquired ${String(connection)}`);
      pool.release(connection);
    }
  };
  return { run: (callers, each) => together(callers, () => caller(each)), check: async () => undefined };
}

function together(callers: number, caller: () => Promise<void>): Promise<unknown> {
  return Promise.all(Array.from({ length: callers }, caller));
}
