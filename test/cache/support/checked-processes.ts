import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { CacheStats } from '../../../src/cache/index.js';
import { type Read, staleReads, type Write } from '../../consistency/history.js';
import type { Order, Report } from '../../consistency/worker.js';
import { bundledProgram, PROGRAM_FOLDER } from '../../support/bundled-program.js';
import { createDatabase } from '../../support/servers/database.js';

/** How long another process may serve an older value, in these tests, in milliseconds. */
export const BOUND_MS = 1_000;

const TABLES = 20;
/** A machine that is busy takes long to end a process. */
const END_TIMEOUT_MS = 120_000;

/** What all of them did. */
export interface Outcome {
  readonly writes: number;
  readonly reads: number;
  /** Statements that failed. */
  readonly failures: number;
  /** Reads that were given less than what the reading process itself had written. */
  readonly staleOfOwn: number;
  /** For how long an older value was served after another process's write was acknowledged, at most, in milliseconds. */
  readonly longestStaleMs: number;
}

/** Processes that read and write through pools with a cache, at random and without a break. */
export interface CheckedProcesses extends AsyncDisposable {
  /** Starts more of them. Resolves when they serve from the cache. */
  start(count: number): Promise<void>;
  /** What each one's cache says of itself now. */
  stats(): Promise<CacheStats[]>;
  /** Ends them, and holds every read against every acknowledged write. */
  end(): Promise<Outcome>;
}

/** Starts the workers of the consistency check on a database of their own. */
export async function startCheckedProcesses(count: number, redisUrl: string): Promise<CheckedProcesses> {
  const program = await bundledProgram(new URL('../../consistency/worker.ts', import.meta.url));
  const database = await createDatabase();
  for (let table = 1; table <= TABLES; table += 1) {
    await database.admin(`CREATE TABLE register_${table} (version INT NOT NULL) SELECT 0 AS version`);
  }
  const writes: Write[] = [];
  const reads: Read[] = [];
  let failures = 0;
  const workers: ChildProcess[] = [];
  const take = (report: Report): void => {
    if (report.kind === 'history') {
      for (const write of report.writes) writes.push(write);
      for (const read of report.reads) reads.push(read);
    } else if (report.kind === 'end') failures += report.failures;
  };
  const processes: CheckedProcesses = {
    async start(more) {
      const started = Array.from({ length: more }, (_, index) =>
        fork(program, [String(workers.length + index), database.url(), redisUrl, String(TABLES), String(BOUND_MS)], {
          cwd: PROGRAM_FOLDER,
        }),
      );
      for (const child of started) child.on('message', (report) => take(report as Report));
      workers.push(...started);
      await Promise.all(started.map((child) => told(child, 'ready')));
    },
    stats: () =>
      Promise.all(
        workers.map(async (child) => {
          const answer = told(child, 'stats');
          child.send('stats' satisfies Order);
          return (await answer).stats;
        }),
      ),
    async end() {
      const ended = workers.map((child) => once(child, 'exit', { signal: AbortSignal.timeout(END_TIMEOUT_MS) }));
      for (const child of workers) child.send('end' satisfies Order);
      await Promise.all(ended);
      const stale = staleReads(writes, reads);
      return {
        writes: writes.length,
        reads: reads.length,
        failures,
        staleOfOwn: stale.filter(({ own }) => own).length,
        longestStaleMs: stale.reduce((longest, { staleMs }) => Math.max(longest, staleMs), 0),
      };
    },
    async [Symbol.asyncDispose]() {
      const alive = workers.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
      await Promise.all(
        alive.map(async (child) => {
          const ended = once(child, 'exit');
          child.kill('SIGKILL');
          await ended;
        }),
      );
      await database[Symbol.asyncDispose]();
    },
  };
  try {
    await processes.start(count);
  } catch (error) {
    await processes[Symbol.asyncDispose]();
    throw error;
  }
  return processes;
}

function told<K extends Report['kind']>(child: ChildProcess, kind: K): Promise<Report & { readonly kind: K }> {
  return new Promise((resolve, reject) => {
    const hear = (report: unknown): void => {
      if ((report as Report).kind !== kind) return;
      child.off('message', hear).off('exit', end);
      resolve(report as Report & { readonly kind: K });
    };
    const end = (): void => reject(new Error(`The process ended before it reported: ${kind}.`));
    child.on('message', hear).once('exit', end);
  });
}
