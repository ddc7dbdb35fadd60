/** A run of an application: its process, when it served, its processor time and memory, and what it wrote to stderr. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** How to start it. */
export interface Start {
  readonly node: string;
  readonly folder: string;
  readonly program: readonly [string, ...string[]];
  readonly hooked: boolean;
  readonly environment: Readonly<Record<string, string>>;
  /** Where what it writes is kept. */
  readonly log: string;
  /** Answers with 200 when it serves. Nothing: it is a program that ends by itself. */
  readonly readyUrl?: string;
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

  private constructor({ node, folder, program, hooked, environment, log }: Start) {
    const flags = hooked ? ['--import', 'poolwright/register'] : [];
    const { PATH = '', HOME = '' } = process.env;
    this.#child = spawn(node, [...flags, ...program], { cwd: folder, env: { PATH, HOME, NODE_ENV: 'production', ...environment } });
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

  /** Starts it. Resolves when it serves or, without a `readyUrl`, when it has ended well. */
  static async start(start: Start): Promise<ApplicationProcess> {
    const application = new ApplicationProcess(start);
    const { readyUrl } = start;
    if (readyUrl === undefined) {
      const code = await application.#ended;
      if (code !== 0) throw new Error(`${start.program.join(' ')} ended with ${code}; see ${start.log}`);
      return application;
    }
    await application.#untilReady(readyUrl, start.log);
    return application;
  }

  /** The lines that Poolwright wrote. */
  get notices(): readonly string[] {
    return this.#stderr.split('\n').filter((line) => line.startsWith('poolwright: '));
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
