import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Figures, Questions, Round } from '../scenario.js';
import type { Notice, Order, SentSurroundings } from './messages.js';

const MAIN = fileURLToPath(new URL('./contestant-main.js', import.meta.url));

/** How long a contestant may take to get ready, and to close. */
const READY_TIMEOUT_MS = 60_000;
const CLOSE_TIMEOUT_MS = 5_000;

/** It took longer than a run waits. It was ended. */
export class TooSlow extends Error {
  constructor(
    readonly contestant: string,
    readonly limitMs: number,
  ) {
    super(`${contestant} did not finish within ${limitMs / 1000} s.`);
  }
}

/** The figures of a round and, where the scenario asks for it, how fast the machine was. */
export interface Measured {
  readonly figures: Figures;
  readonly fixedWorkMs?: number;
}

/** What a contestant runs on. */
export interface Conditions {
  /** The binary of Node. */
  readonly binary: string;
  /** The cores that it is kept on; undefined: all. */
  readonly cores: string | undefined;
}

/** One contestant in a process of its own, as its runner sees it. */
export class ContestantProcess {
  readonly #child: ChildProcess;
  /** How many connections it says it has; undefined: it does not say. */
  connections: number | undefined = undefined;

  private constructor(
    readonly scenario: string,
    readonly contestant: string,
    private readonly answerers: Questions,
    { binary, cores }: Conditions,
  ) {
    // The collector is called before each measurement, so that no measurement pays for what came before it.
    const command = [...(cores === undefined ? [] : ['taskset', '--cpu-list', cores]), binary, '--expose-gc'];
    this.#child = fork(MAIN, { execPath: command[0] as string, execArgv: command.slice(1), serialization: 'advanced' });
  }

  static async start(
    scenario: string,
    contestant: string,
    surroundings: SentSurroundings,
    questions: Questions,
    conditions: Conditions,
  ): Promise<ContestantProcess> {
    const process = new ContestantProcess(scenario, contestant, questions, conditions);
    try {
      const ready = await process.#request({ kind: 'create', scenario, contestant, surroundings }, READY_TIMEOUT_MS);
      if (ready.kind === 'ready') process.connections = ready.connections;
      return process;
    } catch (error) {
      await process.kill();
      // Not a slow rival, but one that is not set up as it should be, such as with fewer connections than its options ask for.
      throw error instanceof TooSlow ? new Error(`${process.#name} did not get ready within ${error.limitMs / 1000} s.`) : error;
    }
  }

  /** @throws TooSlow when it takes longer than `limitMs`: it is ended then */
  async run(setting: number, round: Round, limitMs: number): Promise<Measured> {
    const notice = await this.#request({ kind: 'run', setting, round }, limitMs);
    return notice.kind === 'figures' ? notice : { figures: {} };
  }

  async close(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    this.#send({ kind: 'close' });
    const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  #send(order: Order): void {
    if (this.#child.connected) this.#child.send(order);
  }

  /** Its next notice, while its questions are answered. A contestant that fails ends the whole run. */
  #request(order: Order, limitMs: number): Promise<Notice> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        child.off('message', onMessage);
        child.off('exit', onExit);
        act();
      };
      const onMessage = (notice: Notice): void => {
        if (notice.kind === 'question') void this.#answer(notice.id, notice.name);
        else if (notice.kind === 'failed') settle(() => reject(new Error(`${this.#name} failed:\n${notice.error}`)));
        else settle(() => resolve(notice));
      };
      const onExit = (code: number | null, signal: string | null): void =>
        settle(() => reject(new Error(`${this.#name} ended with ${signal ?? `exit code ${code}`}.`)));
      const timer = setTimeout(() => {
        settle(() => undefined);
        void this.kill().then(() => reject(new TooSlow(this.#name, limitMs)), reject);
      }, limitMs);
      child.on('message', onMessage);
      child.on('exit', onExit);
      this.#send(order);
    });
  }

  async #answer(id: number, name: keyof Questions): Promise<void> {
    try {
      this.#send({ kind: 'answer', id, value: await this.answerers[name]() });
    } catch (error) {
      this.#send({ kind: 'answer', id, error: String(error) });
    }
  }

  get #name(): string {
    return `'${this.contestant}' in '${this.scenario}'`;
  }
}
