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
/** Faster callers would make a machine of two processors so busy that what is measured is its queue. */
const LONGEST_PAUSE_MS = 40;
const LONGEST_TRANSACTION_MS = 8;
const REPORT_EVERY = 500;
/** A server that restarts fails statements; their outcome is not known, and nothing is held against it. */
const LOST = /^(?:PROTOCOL_|ECONN|EPIPE|POOL_|ER_SERVER_SHUTDOWN|ER_CON_|ER_QUERY_INTERRUPTED)/;

const [, , number = '', databaseUrl = '', redisUrl = '', tables = '', boundMs = '', schema = '', limitedUrl = '', processes = '1'] =
  process.argv;
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

/** Of the writes, those that a view or a trigger makes. What they reach is known. */
const DETOURS = 0.1;
/**
 * What makes everything invalid, or the schema one to be read again, comes by time, as often as in a service: for all processes together a write of
 * unknown reach each two seconds, and a change of the schema each ten.
 */
const UNKNOWN_WRITE_EVERY_MS = 2_000;
const SCHEMA_CHANGE_EVERY_MS = 10_000;
/** Of the transactions that write without protection, how many last for longer than the bound. */
const LONG_TRANSACTIONS = 0.03;

/** Each row is in a table of its own, so that one write does not make all of them invalid. */
async function write(row: number): Promise<void> {
  if (engines.length > 0 && Math.random() < DETOURS) await writeBy(pool, row, oneOf(KNOWN_DETOURS));
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

/** MySQL sets no variable while it writes by a view. */
const RAISED = 'LAST_INSERT_ID(version + 1)';
/** What does not say in its text that it writes the register `#`, but the schema does. */
const KNOWN_DETOURS = ['UPDATE source_# SET n = n + 1', `UPDATE shown_# SET version = ${RAISED}`];
/** What may write anything, as far as its text and the schema say. */
const UNKNOWN_DETOURS = ['CALL raise_#()', 'DO raised_#()', 'SELECT raised_#()', 'SELECT * FROM raising_#'];
/** What a view calls is not shown to an account that may not see its definition. */
const LIMITED_DETOURS = [...KNOWN_DETOURS, ...UNKNOWN_DETOURS.slice(0, 3)];

/** It is read before and at once after: elsewhere another write may come between, and hide what this one left behind. */
async function writeUnknown(row: number): Promise<void> {
  await read(row);
  await raiseUnseen(row);
  await read(row);
}

async function raiseUnseen(row: number): Promise<void> {
  if (limited !== undefined && Math.random() < 0.5) await writeBy(limited, row, oneOf(LIMITED_DETOURS));
  else await writeBy(pool, row, oneOf(UNKNOWN_DETOURS));
}

async function changeSchema(row: number): Promise<void> {
  await pool.query(`ALTER TABLE register_${row} COMMENT = '${worker} ${Date.now()}'`);
}

function oneOf(texts: readonly string[]): string {
  return texts[Math.floor(Math.random() * texts.length)] as string;
}

async function writeBy(through: Pool, row: number, detour: string): Promise<void> {
  await inTransaction(through, row, async (tx) => {
    await tx.query(detour.replace('#', String(row)));
    const [[result]] = await tx.query<RowDataPacket[]>(`SELECT ${detour.includes(RAISED) ? 'LAST_INSERT_ID()' : '@raised'} AS version`);
    return Number(result?.['version']);
  });
}

/** Without transactions a write is there at once, no matter what becomes of the transaction around it; it may last for longer than the bound. */
async function inTransaction(through: Pool, row: number, raise: (tx: Transaction) => Promise<number>): Promise<void> {
  const isImmediate = (engines[(row - 1) % engines.length] ?? 'InnoDB') !== 'InnoDB';
  let version = 0;
  const rollsBack = isImmediate && Math.random() < 0.5;
  const ended = through.transaction(async (tx) => {
    version = await raise(tx);
    if (!isImmediate) return;
    acknowledge(row, version);
    await delay(Math.random() < LONG_TRANSACTIONS ? 1.5 * Number(boundMs) : LONGEST_TRANSACTION_MS);
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
    await attempt(Math.random() < WRITES ? write : read);
    if (writes.length + reads.length >= REPORT_EVERY) report();
    await delay(Math.random() * LONGEST_PAUSE_MS);
  }
}

/** At random times, as often as all processes together do it in `everyMs`. */
async function callRarely(everyMs: number, step: (row: number) => Promise<void>): Promise<void> {
  while (engines.length > 0 && !end.signal.aborted) {
    const pauseMs = Math.random() * 2 * Number(processes) * everyMs;
    await delay(pauseMs, undefined, { signal: end.signal }).catch(() => undefined);
    if (!end.signal.aborted) await attempt(step);
  }
}

async function attempt(step: (row: number) => Promise<void>): Promise<void> {
  try {
    await step(1 + Math.floor(Math.random() * Number(tables)));
  } catch (error) {
    if (engines.length > 0 && LOST.test((error as { code?: string }).code ?? '')) return;
    failures += 1;
    console.error(error);
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
await Promise.all([
  ...Array.from({ length: CALLERS }, call),
  callRarely(UNKNOWN_WRITE_EVERY_MS, writeUnknown),
  callRarely(SCHEMA_CHANGE_EVERY_MS, changeSchema),
]);
report();
tell({ kind: 'end', stats: cache.stats(), failures });
await Promise.all([pool.end(), limited?.end()]);
cache.close();
process.disconnect();
