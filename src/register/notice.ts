import { writeSync } from 'node:fs';

const STDERR = 2;
let told = false;

/** Says something in one line on stderr, unless `POOLWRIGHT_QUIET` is set. */
export function notice(text: string): void {
  const quiet = process.env['POOLWRIGHT_QUIET'] ?? '';
  if (quiet !== '' && quiet !== '0' && quiet !== 'false') return;
  try {
    // Not process.stderr: a reader that has gone would become an error event that ends the process.
    writeSync(STDERR, `poolwright: ${text.replaceAll(/\s+/g, ' ')}\n`);
  } catch {
    // Nobody reads it.
  }
}

/** The same, the first time only. */
export function noticeOnce(text: string): void {
  if (told) return;
  told = true;
  notice(text);
}
