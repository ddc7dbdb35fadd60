/** One-line notices on stderr, for an application that does not know of Poolwright. */
import { writeSync } from 'node:fs';

const STDERR = 2;
let hasNoticed = false;

/** Writes one line to stderr, unless `POOLWRIGHT_QUIET` is set. */
export function notice(text: string): void {
  const quiet = process.env['POOLWRIGHT_QUIET'] ?? '';
  if (quiet !== '' && quiet !== '0' && quiet !== 'false') return;
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
