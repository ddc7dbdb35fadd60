import { performance } from 'node:perf_hooks';
import { argv } from 'node:process';
import type { createPool as CreatePool, Pool } from 'poolwright';
import { type Figures, measureWork, WORKS } from './work.js';

/** Measures one piece of work with one build, in a process of its own: node worker.js <module of the build> <database URL> <work> */
const [module = '', url = '', name = ''] = argv.slice(2);
const importedAt = performance.now();
const { createPool } = (await import(module)) as { readonly createPool: typeof CreatePool };
const loadedAt = performance.now();
const pool = createPool(url, { connectionLimit: 20, ssl: false });
const work = WORKS[name];
const figures = work === undefined ? await start() : await warm(pool, () => measureWork(pool, work));
console.log(JSON.stringify(figures));
process.exit();

async function start(): Promise<Figures> {
  await pool.query('SELECT id FROM accounts WHERE id = ?', [1]);
  const answeredAt = performance.now();
  const { user, system } = process.cpuUsage();
  return { load: loadedAt - importedAt, first: answeredAt - loadedAt, cpu: (user + system) / 1e3 };
}

/** With all connections open. */
async function warm<T>(opened: Pool, measure: () => Promise<T>): Promise<T> {
  const connections = await Promise.all(Array.from({ length: 20 }, () => opened.getConnection()));
  for (const connection of connections) connection.release();
  return await measure();
}
