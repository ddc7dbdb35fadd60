/** Gives the server and the contestants different cores, as they have different machines in production. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Lists of cores, as `taskset` takes them. */
export interface DividedCores {
  readonly contestants: string;
  readonly server: string;
}

/**
 * The cores that this process may use, in two halves. On shared cores, the server's threads work on the client's core for a part of the time, and a
 * figure says as much about the scheduler as about the pool.
 *
 * @returns undefined on a machine with one core, and where Linux's `taskset` is missing
 */
export function dividedCores(): DividedCores | undefined {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return halvesOf(coresOf('self'));
  } catch {
    return undefined;
  }
}

/** Undefined: there are not two. The contestants get the odd one. */
export function halvesOf(cores: readonly number[]): DividedCores | undefined {
  if (cores.length < 2) return undefined;
  const half = Math.ceil(cores.length / 2);
  return { contestants: cores.slice(0, half).join(','), server: cores.slice(half).join(',') };
}

/** The cores that a process may use, as Linux lists them: `0-3,8`. */
export function coresOf(processId: number | 'self'): readonly number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/mu.exec(readFileSync(`/proc/${processId}/status`, 'utf8'))?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number) as [number, number?];
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** Keeps all threads of a process on these cores, and those that they start. */
export function keepOn(cores: string, processId: number): void {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(processId)], { stdio: 'ignore' });
}

export function placementText(divided: DividedCores | undefined): string {
  if (divided === undefined) return 'the server on the same cores as the contestants (they cannot be divided here)';
  return `contestants on ${coresText(divided.contestants)}, server on ${coresText(divided.server)}`;
}

function coresText(list: string): string {
  return `${list.includes(',') ? 'cores' : 'core'} ${list.replaceAll(',', ', ')}`;
}
