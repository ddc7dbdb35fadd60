/** Step latency: measures connects, pings and queries. */

import { performance } from '../../engine/waiting/index.js';
import { Histogram } from '../../engine/index.js';
import type { Pool } from '../../mysql/index.js';
import { shown } from '../console/index.js';
import type { Finding } from './finding.js';

const CONNECTS = 10;
const ROUND_TRIPS = 50;

/** Above this, a statement costs more on the way than in the server: the database is in another region. */
const FAR_MS = 20;

/** Connects, pings and queries, one after the other. */
export async function examineLatency(pool: Pool, report: (finding: Finding) => void): Promise<void> {
  for (let round = 0; round < CONNECTS; round += 1) {
    const connection = await pool.getConnection();
    connection.destroy();
  }
  const connect = pool.stats().connect;
  const ping = new Histogram();
  const query = new Histogram();
  await using connection = await pool.getConnection();
  for (let round = 0; round < ROUND_TRIPS; round += 1) {
    ping.record(await timed(() => connection.ping()));
    query.record(await timed(() => connection.query('SELECT 1')));
  }
  const words = Object.entries({ connect, ping: ping.summary(), query: query.summary() }).map(
    ([name, { p50Ms, p90Ms, p99Ms }]) => `${name} p50 ${shown(p50Ms)}, p90 ${shown(p90Ms)}, p99 ${shown(p99Ms)}`,
  );
  const far = query.summary().p50Ms > FAR_MS;
  report({
    step: 'latency',
    status: far ? 'warn' : 'ok',
    message: words.join('; '),
    ...(far ? { advice: 'Each statement pays this once: run the service near the database, and send fewer statements.' } : {}),
  });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
