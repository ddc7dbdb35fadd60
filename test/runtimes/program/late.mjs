/** Poolwright loaded for the first time inside a request: the pool's own work keeps nothing of that request. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { connectionOptions } from './checks.mjs';

const store = new AsyncLocalStorage();
const seen = [];
await store.run('request', async () => {
  const { createPool } = await import('poolwright');
  const pool = createPool(connectionOptions({ onConnect: async () => void seen.push(store.getStore() ?? 'nothing') }));
  await pool.query('SELECT 1');
  await pool.end();
});
console.log(seen.join());
