/** A process of the fleet under test: a pool whose callers never rest, as many as its parent says. It reports what it has done; see processes.ts. */

import type { PoolOptions } from '../../../src/index.js';
import { createPool } from '../../../src/index.js';

const PAUSE_AFTER_FAILURE_MS = 50;
const REPORT_MS = 200;

const [, , options = '{}', statementSeconds = '0.02'] = process.argv;
const pool = createPool(JSON.parse(options) as PoolOptions);
const failed: Record<string, number> = {};
/** Callers as they should be, and as they are. */
const load = { callers: 0, running: 0 };
let done = 0;
/** Called when the last caller has ended. */
let resting: (() => void) | undefined;

/** One caller: it ends when there are more callers than wanted. */
async function call(): Promise<void> {
  load.running += 1;
  while (load.running <= load.callers) {
    try {
      await pool.query('SELECT SLEEP(?)', [Number(statementSeconds)]);
      done += 1;
    } catch (error) {
      const code = String((error as { code?: unknown }).code ?? error);
      failed[code] = (failed[code] ?? 0) + 1;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_AFTER_FAILURE_MS));
    }
  }
  load.running -= 1;
  if (load.running === 0) resting?.();
}

function report(): void {
  const { fleet } = pool;
  process.send?.({ done, failed, connectErrors: pool.stats().connectErrors, fleet });
}

async function end(): Promise<void> {
  if (load.running > 0) await new Promise<void>((resolve) => (resting = resolve));
  await pool.end();
  report();
  process.disconnect();
}

process.on('message', (message: { readonly callers?: number; readonly end?: true }) => {
  load.callers = message.end === true ? 0 : (message.callers ?? load.callers);
  while (load.running < load.callers) void call();
  if (message.end === true) void end();
});
process.once('disconnect', () => process.exit(0));
setInterval(report, REPORT_MS).unref();
report();
