/** A run of an application: its process, when it served, its processor time and memory, and what it wrote to stderr. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { endWithParent } from '../../src/demo/server-process.js';

/** How to start it. */
export interface Start {
  readonly node: string;
  readonly folder: string;
  readonly program: readonly [string, ...string[]];
  readonly hooked: boolean;
  readonly environment: Readonly<Record<string, string>>;
  /** Where what it writes is kept. */
  readonly log: string;
  /** Answers with 200 when it serves. */
  readonly readyUrl: string;
}

const START_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 30_000;
const TICKS_PER_SECOND = 100;

/** Its process, from its start to its end. */
export class ApplicationProcess {
  readyMs = 0;
  readyCpuSeconds = 0;
  readyRssMiB = 0;
  #stderr = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | string>;

  private constructor(command: string, args: readonly string[], { folder, environment, log }: Start) {
    const { PATH = '', HOME = '' } = process.env;
    this.#child = spawn(command, args, { cwd: folder, env: { PATH, HOME, NODE_ENV: 'production', ...environment } });
    const file = createWriteStream(log, { flags: 'a' });
    this.#child.stdout?.pipe(file);
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
      file.write(chunk);
    });
    process.once('exit', this.#kill);
    this.#ended = once(this.#child, 'close').then(([code, signal]: (number | string | null)[]) => {
      process.off('exit', this.#kill);
      return code ?? signal ?? 'nothing';
    });
  }

  /** Starts it. Resolves when it serves. */
  static async start(start: Start): Promise<ApplicationProcess> {
    const application = await ApplicationProcess.#spawn(start);
    await application.#untilReady(start.readyUrl, start.log);
    return application;
  }

  /** Runs a program that ends by itself, to its end. */
  static async run(start: Start): Promise<void> {
    const code = await (await ApplicationProcess.#spawn(start)).ended;
    if (code !== 0) throw new Error(`${start.program.join(' ')} ended with ${code}; see ${start.log}`);
  }

  static async #spawn(start: Start): Promise<ApplicationProcess> {
    const flags = start.hooked ? ['--import', 'poolwright/register'] : [];
    return new ApplicationProcess(...(await endWithParent(start.node, [...flags, ...start.program])), start);
  }

  /** The lines that Poolwright wrote. */
  get notices(): readonly string[] {
    return this.#stderr.split('\n').filter((line) => line.startsWith('poolwright: '));
  }

  /** Resolves with its exit code, or the signal that ended it. */
  get ended(): Promise<number | string> {
    return this.#ended;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Its resident memory. */
  async rssMiB(): Promise<number> {
    const pages = (await readFile(`/proc/${this.pid}/statm`, 'utf8')).split(' ')[1];
    return (Number(pages) * 4_096) / 2 ** 20;
  }

  /** The processor time that it has used, its own and the kernel's for it. */
  async cpuSeconds(): Promise<number> {
    const fields = (await readFile(`/proc/${this.pid}/stat`, 'utf8')).replace(/^.*\) /su, '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  /** Asks it to end. Returns its exit code or the signal that ended it. */
  async stop(): Promise<number | string> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(this.#kill, STOP_TIMEOUT_MS);
    const ending = await this.#ended;
    clearTimeout(timer);
    return ending;
  }

  readonly #kill = (): void => void this.#child.kill('SIGKILL');

  async #untilReady(url: string, log: string): Promise<void> {
    const startedAt = performance.now();
    for (;;) {
      if (!this.isRunning) throw new Error(`It ended with ${await this.#ended} before it served; see ${log}`);
      if (performance.now() - startedAt > START_TIMEOUT_MS) {
        this.#kill();
        throw new Error(`It did not answer ${url} within ${START_TIMEOUT_MS} ms; see ${log}`);
      }
      const answer = await fetch(url).catch(() => undefined);
      await answer?.arrayBuffer();
      if (answer?.ok === true) break;
      await delay(20);
    }
    this.readyMs = performance.now() - startedAt;
    this.readyCpuSeconds = await this.cpuSeconds();
    this.readyRssMiB = await this.rssMiB();
  }
}

/** An application that is started again when it ends by itself, as process managers do. */
export class KeptApplication {
  /** How often it has ended by itself. */
  ends = 0;
  #isStopping = false;

  private constructor(
    private readonly start: Start,
    private current: ApplicationProcess,
  ) {
    void this.#keep();
  }

  static async start(start: Start): Promise<KeptApplication> {
    return new KeptApplication(start, await ApplicationProcess.start(start));
  }

  /** The process that runs now. */
  get process(): ApplicationProcess {
    return this.current;
  }

  async untilItRuns(): Promise<void> {
    while (!this.current.isRunning) await delay(100);
  }

  /** Ends it. Returns its exit code or the signal that ended it. */
  async stop(): Promise<number | string> {
    this.#isStopping = true;
    return await this.current.stop();
  }

  async #keep(): Promise<void> {
    for (;;) {
      await this.current.ended;
      if (this.#isStopping) return;
      this.ends += 1;
      // While the server is away, an application may end again and again before it serves.
      this.current = await ApplicationProcess.start(this.start).catch(() => this.current);
      await delay(100);
    }
  }
}
