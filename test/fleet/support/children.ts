/** Processes with one member of a fleet each: they can be frozen and killed. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { FleetSnapshot } from '../../../src/fleet/contract/index.js';
import type { PoolOptions } from '../../../src/mysql/index.js';
import { bundledProgram, PROGRAM_FOLDER } from '../../support/bundled-program.js';

/** What a process knows. */
export interface Told {
  readonly fleet: FleetSnapshot;
  readonly stats: { readonly connectErrors: number };
}

/** A process of its own with a pool in a fleet, whose callers never rest. */
export interface FleetChild {
  readonly process: ChildProcess;
  /** What it knows now; not while it is frozen. */
  readonly told: () => Promise<Told>;
  /** Ends its pool. Resolves with how many statements have failed. */
  readonly end: () => Promise<number>;
}

let program: Promise<string> | undefined;

/** Starts a process. Kill it at the end of the test; see {@link killAll}. */
export async function startFleetChild(options: PoolOptions, callers: number): Promise<FleetChild> {
  program ??= bundledProgram(new URL('child.ts', import.meta.url));
  const child = fork(await program, [JSON.stringify(options), String(callers)], { cwd: PROGRAM_FOLDER });
  children.add(child);
  await once(child, 'message');
  const ask = async (question: string): Promise<unknown> => {
    child.send(question);
    const [answer] = await once(child, 'message');
    return answer;
  };
  return {
    process: child,
    told: async () => (await ask('tell')) as Told,
    end: async () => ((await ask('end')) as { failed: number }).failed,
  };
}

const children = new Set<ChildProcess>();

/** Ends all processes that are left. */
export async function killAll(): Promise<void> {
  for (const child of children) {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
  }
  children.clear();
}
