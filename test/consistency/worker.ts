import { setTimeout as delay } from 'node:timers/promises';
import type { ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import { type CacheStats, createQueryCache } from '../../src/cache/index.js';
import { createPool } from '../../src/index.js';
import type { Read, Write } from './history.js';

/** What the parent is sent. */
export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'history'; readonly writes: readonly Write[]; readonly reads: readonly Read[] }
  | { readonly kind: 'stats'; readonly stats: CacheStats }
  | { readonly kind: 'end'; readonly stats: CacheStats; readonly failures: number };

/** What the parent says. */
export type Order = 'end' | 'stats';

const CALLERS = 6;
const WRITES = 0.04;
const LONGEST_PAUSE_MS = 8;
const REPORT_EVERY = 500;

const [, , number = '', databaseUrl = '', redisUrl = '', tables = '', boundMs = ''] = process.argv;
const worker = Number(number);
const cache = createQueryCache({
  redis: redisUrl,
  invalidationBound: Number(boundMs),
  defaults: { ttl: 3_000, staleWhileRevalidate: 3_000 },
});
const pool = createPool(databaseUrl, { cache, connectionLimit: CALLERS });
let writes: Write[] = [];
let reads: Read[] = [];
let failures = 0;
const end = new AbortController();

/** The same clock in all processes of the machine. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function tell(message: Report): void {
  process.send?.(message);
}

/** Each row is in a table of its own, so that one write does not make all of them invalid. */
async function write(row: number): Promise<void> {
  const sql = `UPDATE register_${row} SET version = LAST_INSERT_ID(version + 1)`;
  const inTransaction = Math.random() < 0.5;
  const [{ insertId }] = inTransaction
    ? await pool.transaction((tx) => tx.query<ResultSetHeader>(sql))
    : await pool.query<ResultSetHeader>(sql);
  writes.push({ worker, row, version: insertId, acknowledgedAt: now() });
}

async function read(row: number): Promise<void> {
  const askedAt = now();
  const [[result]] = await pool.query<RowDataPacket[]>({ sql: `SELECT version FROM register_${row}`, cache: true });
  reads.push({ worker, row, version: Number(result?.['version']), askedAt });
}

async function call(): Promise<void> {
  while (!end.signal.aborted) {
    const row = 1 + Math.floor(Math.random() * Number(tables));
    try {
      if (Math.random() < WRITES) await write(row);
      else await read(row);
    } catch {
      failures += 1;
    }
    if (writes.length + reads.length >= REPORT_EVERY) report();
    await delay(Math.random() * LONGEST_PAUSE_MS);
  }
}

function report(): void {
  tell({ kind: 'history', writes, reads });
  writes = [];
  reads = [];
}

process.on('message', (told: Order) => {
  if (told === 'end') end.abort();
  else tell({ kind: 'stats', stats: cache.stats() });
});
await cache.ready();
tell({ kind: 'ready' });
await Promise.all(Array.from({ length: CALLERS }, call));
report();
tell({ kind: 'end', stats: cache.stats(), failures });
await pool.end();
cache.close();
process.disconnect();
