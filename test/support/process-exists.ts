import { readFileSync } from 'node:fs';

/** Linux: the state of a process, by its letter. A process that ended stays as a "Z" until its parent has taken notice. */
function stateOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /su, '')[0];
  } catch {
    return undefined;
  }
}

/** Whether a process with this id exists and has not ended. */
export function processExists(pid: number): boolean {
  if (process.platform === 'linux') return ![undefined, 'Z', 'X'].includes(stateOf(pid));
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists, and is another user's.
    return (error as { code?: string }).code === 'EPERM';
  }
}
