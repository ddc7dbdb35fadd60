/** The processes of a fleet under test: started, given their number of callers, frozen, killed and ended. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { FleetSnapshot } from '../../../src/fleet/contract/index.js';
import type { PoolOptions } from '../../../src/mysql/index.js';
import { bundledProgram, PROGRAM_FOLDER } from '../../support/bundled-program.js';

/** What a process says of itself, five times a second. */
export interface Report {
  /** Statements that were answered. */
  readonly done: number;
  /** Statements that failed, by the code of the error. */
  readonly failed: Readonly<Record<string, number>>;
  readonly connectErrors: number;
  readonly fleet: FleetSnapshot | undefined;
}

let program: Promise<string> | undefined;

/** One process. */
export class FleetProcess {
  #report: Report | undefined;
  #child: ChildProcess;
  /** What was done to it that lets its statements fail: killed, or cut off from the database. */
  excused = false;
  frozen = false;

  private constructor(
    readonly name: string,
    child: ChildProcess,
  ) {
    this.#child = child;
    child.on('message', (report: Report) => (this.#report = report));
  }

  /** Starts a process, and resolves when its pool is there. */
  static async start(name: string, options: PoolOptions, statementSeconds: number): Promise<FleetProcess> {
    program ??= bundledProgram(new URL('worker.ts', import.meta.url));
    const child = fork(await program, [JSON.stringify(options), String(statementSeconds)], { cwd: PROGRAM_FOLDER });
    const started = new FleetProcess(name, child);
    await once(child, 'message');
    return started;
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The last report. */
  get report(): Report {
    if (this.#report === undefined) throw new Error('bug: a process that has started has reported');
    return this.#report;
  }

  /** From now on so many callers run statements. */
  want(callers: number): void {
    if (this.#child.connected) this.#child.send({ callers });
  }

  freeze(): void {
    this.frozen = true;
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.frozen = false;
    this.#child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    if (!this.alive) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  /** Closes its pool and ends. */
  async end(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.send({ end: true });
    await ended;
  }
}
