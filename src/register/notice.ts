/** Lines on stderr for an application that does not know of Poolwright: notices, which can be hidden, and failures, which cannot. */
import { writeSync } from 'node:fs';

const STDERR = 2;
let hasNoticed = false;

/** Says on one line of stderr what was done as asked, unless `POOLWRIGHT_QUIET` is set. */
export function notice(text: string): void {
  const quiet = process.env['POOLWRIGHT_QUIET'] ?? '';
  if (quiet !== '' && quiet !== '0' && quiet !== 'false') return;
  failure(text);
}

/** Says on one line of stderr what was not done although it was asked for. `POOLWRIGHT_QUIET` does not hide it. */
export function failure(text: string): void {
  try {
    // Not process.stderr: a closed pipe would become an error event that ends the process.
    writeSync(STDERR, `poolwright: ${text.replaceAll(/\s+/g, ' ')}\n`);
  } catch {
    // The pipe is closed.
  }
}

/** The same, the first time only. */
export function noticeOnce(text: string): void {
  if (hasNoticed) return;
  hasNoticed = true;
  notice(text);
}
