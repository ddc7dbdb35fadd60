import { setTimeout as delay } from 'node:timers/promises';
import type { ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import { type CacheStats, createQueryCache } from '../../src/cache/index.js';
import { createPool, type Pool, type Transaction } from '../../src/index.js';
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
const WRITES = 0.03;
const LONGEST_PAUSE_MS = 8;
const REPORT_EVERY = 500;
/** A server that restarts fails statements; their outcome is not known, and nothing is held against it. */
const LOST = /^(?:PROTOCOL_|ECONN|EPIPE|POOL_|ER_SERVER_SHUTDOWN|ER_CON_|ER_QUERY_INTERRUPTED)/;

const [, , number = '', databaseUrl = '', redisUrl = '', tables = '', boundMs = '', schema = '', limitedUrl = ''] = process.argv;
/** The engines of the registers, in turn, when they have the schema of `registers.ts`; otherwise they are bare tables of InnoDB. */
const engines = schema === '' ? [] : schema.split(',');
const worker = Number(number);
const cache = createQueryCache({
  redis: redisUrl,
  invalidationBound: Number(boundMs),
  defaults: { ttl: 3_000, staleWhileRevalidate: 3_000 },
});
const pool = createPool(databaseUrl, { cache, connectionLimit: CALLERS });
/** An account that sees neither triggers nor the definitions of views. */
const limited = limitedUrl === '' ? undefined : createPool(limitedUrl, { cache, connectionLimit: 2 });
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

/** Most writes are plain ones: those of unknown effect make everything invalid, and little would be left to be stale. */
const SPECIAL_WRITES = 0.06;
const SCHEMA_CHANGES = 0.003;
/** Of the transactions that write without protection, how many last for longer than the bound. */
const LONG_TRANSACTIONS = 0.03;

/** Each row is in a table of its own, so that one write does not make all of them invalid. */
async function write(row: number): Promise<void> {
  if (engines.length > 0 && Math.random() < SCHEMA_CHANGES)
    await pool.query(`ALTER TABLE register_${row} COMMENT = '${worker} ${Date.now()}'`);
  else if (engines.length > 0 && Math.random() < SPECIAL_WRITES) await writeByDetour(row);
  else await writePlainly(row);
}

async function writePlainly(row: number): Promise<void> {
  const sql = `UPDATE register_${row} SET version = LAST_INSERT_ID(version + 1)`;
  if (Math.random() < 0.5) acknowledge(row, (await pool.query<ResultSetHeader>(sql))[0].insertId);
  else
    await inTransaction(pool, row, async (tx) => {
      const [{ insertId }] = await tx.query<ResultSetHeader>(sql);
      return insertId;
    });
}

/** What does not say in its text that it writes the register, or not to whom: by an account that sees all of the schema or little of it. */
async function writeByDetour(row: number): Promise<void> {
  const detours = [
    `UPDATE source_${row} SET n = n + 1`,
    `UPDATE shown_${row} SET version = (@raised := version + 1)`,
    `CALL raise_${row}()`,
    `DO raised_${row}()`,
    `SELECT raised_${row}()`,
    `SELECT * FROM raising_${row}`,
  ];
  // What a view calls is not shown to an account that may not see its definition.
  const through = limited !== undefined && Math.random() < 0.5 ? limited : pool;
  const sql = detours[Math.floor(Math.random() * (through === pool ? detours.length : 5))] as string;
  await inTransaction(through, row, async (tx) => {
    await tx.query(sql);
    const [[result]] = await tx.query<RowDataPacket[]>('SELECT @raised AS version');
    return Number(result?.['version']);
  });
}

/** Without transactions a write is there at once, whatever becomes of the transaction around it; it may last for longer than the bound. */
async function inTransaction(through: Pool, row: number, raise: (tx: Transaction) => Promise<number>): Promise<void> {
  const isImmediate = (engines[(row - 1) % engines.length] ?? 'InnoDB') !== 'InnoDB';
  let version = 0;
  const rollsBack = isImmediate && Math.random() < 0.5;
  const ended = through.transaction(async (tx) => {
    version = await raise(tx);
    if (!isImmediate) return;
    acknowledge(row, version);
    await delay(Math.random() < LONG_TRANSACTIONS ? 1.5 * Number(boundMs) : LONGEST_PAUSE_MS);
    if (rollsBack) throw new RolledBack();
  });
  await ended.catch((error: unknown) => {
    if (!(error instanceof RolledBack)) throw error;
  });
  if (!isImmediate) acknowledge(row, version);
}

class RolledBack extends Error {}

function acknowledge(row: number, version: number): void {
  writes.push({ worker, row, version, acknowledgedAt: now() });
}

async function read(row: number): Promise<void> {
  const from = engines.length > 0 && Math.random() < 0.2 ? 'shown' : 'register';
  const askedAt = now();
  const [[result]] = await pool.query<RowDataPacket[]>({ sql: `SELECT version FROM ${from}_${row}`, cache: true });
  reads.push({ worker, row, version: Number(result?.['version']), askedAt });
}

async function call(): Promise<void> {
  while (!end.signal.aborted) {
    const row = 1 + Math.floor(Math.random() * Number(tables));
    try {
      if (Math.random() < WRITES) await write(row);
      else await read(row);
    } catch (error) {
      if (engines.length === 0 || !LOST.test((error as { code?: string }).code ?? '')) {
        failures += 1;
        console.error(error);
      }
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
await Promise.all([pool.end(), limited?.end()]);
cache.close();
process.disconnect();
