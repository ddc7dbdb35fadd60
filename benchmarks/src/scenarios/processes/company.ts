import { ACCOUNTS } from '../../data.js';
import { openMariadb } from '../../rivals/mariadb.js';
import { openMysql2 } from '../../rivals/mysql2.js';
import { openPoolwright } from '../../rivals/poolwright.js';
import type { ConnectionPool } from '../../rivals/lender.js';
import type { Address } from '../../scenario.js';
import { inParallel } from '../timing.js';

/** Connections and statements of each pool in the company. */
const SIZE = 4;
const STATEMENTS = 1_500;

const STATEMENT_FORMS = [
  'SELECT id, name, balance FROM accounts WHERE id = ?',
  'SELECT balance, id FROM accounts WHERE id = ?',
  'SELECT id, name, balance, UPPER(name) AS shouted FROM accounts WHERE id BETWEEN ? AND 5',
] as const;

/** The other clients and the code of other shapes that a process has beside the pool that is measured. */
export interface Company extends AsyncDisposable {
  /** Works for a moment with all of them. */
  mingle(): Promise<void>;
}

export async function inviteCompany(address: Address): Promise<Company> {
  const pools = [openPoolwright, openMysql2, openMariadb].map((open) => open({ address, limit: SIZE }));
  const ids = Array.from({ length: STATEMENTS / SIZE }, (_, index) => 1 + ((index * 7_919) % ACCOUNTS));
  return {
    async mingle() {
      for (const pool of pools) await work(pool, ids);
      otherShapes();
    },
    [Symbol.asyncDispose]: async () => void (await Promise.all(pools.map((pool) => pool.close()))),
  };
}

async function work(pool: ConnectionPool, ids: readonly number[]): Promise<void> {
  let turn = 0;
  await inParallel(SIZE, ids.length, async () => {
    turn += 1;
    const sql = STATEMENT_FORMS[turn % STATEMENT_FORMS.length] as string;
    const values = [ids[turn % ids.length]];
    await (turn % 2 === 0 ? pool.query(sql, values) : (pool as Required<ConnectionPool>).execute(sql, values));
  });
}

/** Maps, lists, closures and promises of many shapes: what an application's own code leaves in the engine's feedback. */
function otherShapes(): void {
  const shapes = Array.from({ length: 64 }, (_, index) => ({ [`field${index}`]: index, shared: String(index), settle: () => index }));
  const byName = new Map(shapes.map((shape) => [shape.shared, shape]));
  let sum = 0;
  for (const text of shapes.map((shape) => JSON.stringify(shape))) {
    const parsed = JSON.parse(text) as { shared: string };
    sum += byName.get(parsed.shared)?.settle() ?? 0;
  }
  if (sum !== (shapes.length * (shapes.length - 1)) / 2) throw new Error(`the company miscounted: ${sum}`);
}
