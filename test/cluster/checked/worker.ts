/** One process of the check: it writes and reads through a cluster, and reports what it has seen. */

import { setTimeout as delay } from 'node:timers/promises';
import type { ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import { createCluster } from '../../../src/index.js';
import type { ReadingOptions } from '../../../src/mysql/index.js';
import type { FailedRead, Read, ReadKind, Write } from './history.js';
import { oneOf, randomFrom } from './random.js';

/** What a worker is started with, as JSON. */
export interface Task {
  readonly worker: number;
  readonly seed: number;
  readonly nodes: readonly string[];
  readonly registers: number;
  readonly maxLag: number;
}

/** A write that another process may ask for. */
export interface Passed {
  readonly position: string;
  readonly register: number;
  readonly version: number;
}

/** What the parent learns. */
export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'passed'; readonly passed: Passed }
  | { readonly kind: 'writer'; readonly worker: number; readonly name: string; readonly at: number }
  | { readonly kind: 'history'; readonly writes: readonly Write[]; readonly reads: readonly Read[]; readonly failed: readonly FailedRead[] }
  | { readonly kind: 'end'; readonly reasons: Readonly<Record<string, number>> };

/** What the parent says. */
export type Order = { readonly kind: 'end' } | { readonly kind: 'read'; readonly passed: Passed };

/** Callers that write may wait for a writer; the others continue to read. */
const WRITING_CALLERS = 3;
const READING_CALLERS = 3;
const LONGEST_PAUSE_MS = 60;
const REPORT_EVERY = 200;

const task = JSON.parse(process.argv[2] ?? '{}') as Task;
const { worker, maxLag } = task;
const random = randomFrom(task.seed);
const db = createCluster({
  nodes: task.nodes,
  name: `worker-${worker}`,
  connectionLimit: 2 * (WRITING_CALLERS + READING_CALLERS),
  minIdle: 0,
  connectTimeout: 3_000,
  acquireTimeout: 15_000,
});
let writes: Write[] = [];
let reads: Read[] = [];
let failed: FailedRead[] = [];
let lastId = 0;
const end = new AbortController();
/** The versions to which this process has raised registers, as far as it was answered. */
const own = new Map<number, number>();

interface Answer extends RowDataPacket {
  readonly version: number;
  readonly server: number;
}

/** The same clock in all processes of the machine. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function tell(report: Report): void {
  process.send?.(report);
}

function codeOf(error: unknown): string {
  const { code, message = '' } = error as { readonly code?: unknown; readonly message?: string };
  if (code === 'POOL_BREAKER_OPEN') return `${code} ${/'\w+'/.exec(message)?.[0] ?? ''}`;
  if (typeof code === 'string') return code;
  console.error(error);
  return '';
}

const RAISE = 'UPDATE registers SET version = LAST_INSERT_ID(version + 1) WHERE id = ?';
const INSERT = 'INSERT INTO written (id, register, server) VALUES (?, ?, @@server_id)';

interface Attempt {
  id: number | undefined;
  /** When it was certain where it goes. */
  sentAt: number;
}

/** Each returns the version; 0: none. */
const ways: Readonly<Record<string, (register: number, attempt: Attempt) => Promise<number>>> = {
  raise: async (register, attempt) => {
    attempt.id = undefined;
    return (await db.query<ResultSetHeader>(RAISE, [register]))[0].insertId;
  },
  insert: async (register, { id }) => {
    await db.query(INSERT, [id, register]);
    return 0;
  },
  transaction: (register, attempt) =>
    db.transaction(async (tx) => {
      attempt.sentAt = now();
      await tx.query(INSERT, [attempt.id, register]);
      return (await tx.query<ResultSetHeader>(RAISE, [register]))[0].insertId;
    }),
  borrowed: async (register, attempt) => {
    const connection = await db.getConnection();
    try {
      attempt.sentAt = now();
      await connection.beginTransaction();
      const [{ insertId }] = await connection.execute<ResultSetHeader>(RAISE, [register]);
      await connection.query(INSERT, [attempt.id, register]);
      await connection.commit();
      return insertId;
    } finally {
      connection.release();
    }
  },
  // Its text does not say that it writes, and no answer names it.
  function: async (register, { id }) => {
    const [[answer]] = await db.query<Answer[]>('SELECT put_row(?, ?) AS version', [id, register]);
    return Number(answer?.version);
  },
};

/** @returns the version, 0 for none; undefined: it failed */
async function write(register: number): Promise<number | undefined> {
  const way = random() < 0.05 ? 'function' : oneOf(random, ['raise', 'insert', 'transaction', 'borrowed']);
  lastId += 1;
  const id = worker * 1e9 + lastId;
  const attempt: Attempt = { id, sentAt: now() };
  const done = (version: number, code: string | undefined): void => {
    const acknowledgedAt = code === undefined ? now() : undefined;
    writes.push({ worker, way, id: attempt.id, register, version, sentAt: attempt.sentAt, acknowledgedAt, code });
  };
  try {
    const version = (await ways[way]?.(register, attempt)) ?? 0;
    done(version, undefined);
    own.set(register, Math.max(own.get(register) ?? 0, version));
    if (way === 'insert') await readCount(id);
    return version;
  } catch (error) {
    done(0, codeOf(error));
    return undefined;
  }
}

/** A row is read back that was inserted: as a version, 1. */
async function readCount(id: number): Promise<void> {
  const sql = 'SELECT COUNT(*) AS version, @@server_id AS server FROM written WHERE id = ?';
  await noteRead('count', 'query', 0, 1, async () => (await db.reader.query<Answer[]>(sql, [id]))[0]);
}

const READ = 'SELECT version, @@server_id AS server FROM registers WHERE id = ?';

/** How a read may be made that takes options. */
const readWays: Readonly<Record<string, (register: number, options: ReadingOptions) => Promise<Answer[]>>> = {
  query: async (register, options) => (await db.reader.query<Answer[]>({ ...options, sql: READ, values: [register] }))[0],
  routed: async (register, options) => (await db.query<Answer[]>({ ...options, route: 'reader', sql: READ, values: [register] }))[0],
  execute: async (register, options) => (await db.reader.execute<Answer[]>({ ...options, sql: READ, values: [register] }))[0],
  transaction: (register, options) => db.reader.transaction(async (tx) => (await tx.query<Answer[]>(READ, [register]))[0], options),
  borrowed: async (register, options) => {
    const connection = await db.reader.getConnection(options);
    try {
      return (await connection.query<Answer[]>(READ, [register]))[0];
    } finally {
      connection.release();
    }
  },
};

async function read(kind: ReadKind, register: number, floor: number, options: ReadingOptions = {}): Promise<void> {
  const way = random() < 0.5 ? 'query' : oneOf(random, Object.keys(readWays));
  await noteRead(kind, way, register, floor, async () => (await readWays[way]?.(register, options)) ?? []);
}

async function noteRead(kind: ReadKind, way: string, register: number, floor: number, ask: () => Promise<Answer[]>): Promise<void> {
  const askedAt = now();
  try {
    const [answer] = await ask();
    const { version, server } = answer ?? { version: -1, server: 0 };
    reads.push({ worker, kind, way, register, version, floor, askedAt, answeredAt: now(), server });
  } catch (error) {
    failed.push({ worker, kind, code: codeOf(error) });
  }
}

/** What one piece of work has written, it sees; now and then another process learns where to find it. */
async function scope(): Promise<void> {
  await db.scope(async () => {
    const written = new Map<number, number>();
    for (let round = 0; round < 2; round += 1) {
      const register = anyRegister();
      const version = await write(register);
      if (version === undefined) return;
      written.set(register, Math.max(written.get(register) ?? 0, version));
      await read('own', register, version);
      if (random() < 0.3) tell({ kind: 'passed', passed: { position: db.position(), register, version } });
    }
    for (const [register, version] of written) await read('own', register, version);
  });
}

function anyRegister(): number {
  return 1 + Math.floor(random() * task.registers);
}

async function writeSomething(): Promise<void> {
  if (random() < 0.6) await scope();
  else await write(anyRegister());
}

async function readSomething(): Promise<void> {
  const register = anyRegister();
  const chance = random();
  if (chance < 0.4) await read('process', register, own.get(register) ?? 0);
  else if (chance < 0.8) await read('bounded', register, 0, { consistency: 'bounded', maxLag });
  else if (chance < 0.9) await read('eventual', register, 0, { consistency: 'eventual' });
  else await noteRead('writer', 'query', register, own.get(register) ?? 0, async () => (await db.query<Answer[]>(READ, [register]))[0]);
}

async function call(step: () => Promise<void>): Promise<void> {
  while (!end.signal.aborted) {
    await step();
    if (writes.length + reads.length + failed.length >= REPORT_EVERY) tellHistory();
    await delay(random() * LONGEST_PAUSE_MS);
  }
}

function tellHistory(): void {
  tell({ kind: 'history', writes, reads, failed });
  writes = [];
  reads = [];
  failed = [];
}

/** In a scope of its own: it waits for what it was passed, and for nothing else. */
async function readPassed({ position, register, version }: Passed): Promise<void> {
  const bounded = random() < 0.5 ? ({ consistency: 'bounded', maxLag } as const) : {};
  await db.scope(() => read('after', register, version, { ...bounded, after: position }));
}

const passedReads = new Set<Promise<void>>();
process.on('message', (order: Order) => {
  if (order.kind === 'end') end.abort();
  else if (!end.signal.aborted) {
    const reading = readPassed(order.passed).finally(() => passedReads.delete(reading));
    passedReads.add(reading);
  }
});
db.watch('topologyChanged', () => {
  const name = db.topology().writer;
  if (name !== undefined) tell({ kind: 'writer', worker, name, at: now() });
});
await db.ready({ timeout: 60_000 });
tell({ kind: 'ready' });
await Promise.all([
  ...Array.from({ length: WRITING_CALLERS }, () => call(writeSomething)),
  ...Array.from({ length: READING_CALLERS }, () => call(readSomething)),
]);
await Promise.all(passedReads);
tellHistory();
tell({ kind: 'end', reasons: db.readStats().reads });
await db.end();
process.disconnect();
