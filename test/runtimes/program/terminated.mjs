/** A service that gets the signal to end: what runs gets its answer, and then the process ends. */
import { createPool } from 'poolwright';
import { connectionOptions, until } from './checks.mjs';

const pool = createPool(connectionOptions());
const serving = setInterval(() => undefined, 1_000);
async function end() {
  const { complete } = await pool.drain({ timeout: 30_000 });
  console.log(`drained ${complete}`);
  clearInterval(serving);
}
process.once('SIGTERM', () => void end());
const running = pool.query('SELECT SLEEP(0.5) AS slept');
await until(
  () => pool.stats().used,
  (used) => used === 1,
);
console.log('ready');
const [[{ slept }]] = await running;
console.log(`answered ${slept}`);
