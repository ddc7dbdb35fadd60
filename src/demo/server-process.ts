/** A server program as a child of this process, which cannot outlive it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { open, readdir, readFile } from 'node:fs/promises';
import { pause, setTimeout, clearTimeout } from '../engine/waiting/index.js';
import { findExecutable } from './find-executable.js';

/** How many characters of a server's log an error message quotes. */
const LOG_TAIL_LENGTH = 3_000;

/** What to run, and how. */
export interface ServerCommand {
  readonly command: string;
  readonly arguments: readonly string[];
  /** The file its output is appended to. A file, not a pipe: a stalled reader must never stall the server. */
  readonly logPath: string;
  readonly cwd: string;
  /** Variables on top of this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The account it runs as. Default: this process's own. */
  readonly account?: { readonly uid: number; readonly gid: number };
}

/** A server that this process has started. It is ended by its process id only. */
export interface ServerProcess {
  readonly pid: number;
  readonly running: boolean;
  /** Resolves when the process has ended, with the cause in words, such as `exit code 1` or `signal SIGKILL`. */
  readonly ended: Promise<string>;
  /**
   * Sends a signal. Resolves when the process has ended or, after SIGSTOP, stands still; at once after a signal that does neither.
   */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Asks it to end with `signal`, and kills it when it has not after `timeoutMs`. Works on a process frozen by SIGSTOP too. */
  stop(signal: NodeJS.Signals, timeoutMs: number): Promise<void>;
  /** The end of its log. */
  logTail(): Promise<string>;
}

const ENDING_SIGNALS: ReadonlySet<NodeJS.Signals> = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGABRT']);

const FROZEN_POLL_MS = 1;

async function isFrozen(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`);
  const states = await Promise.all(
    // The state follows the name, which is in parentheses and may hold anything.
    threads.map(async (thread) => (await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8')).replace(/^.*\) /su, '')[0]),
  );
  return states.every((state) => state === 'T');
}

/** SIGSTOP takes effect a little later, thread by thread; a query sent in that time would be answered. */
async function untilFrozen(pid: number): Promise<void> {
  if (process.platform !== 'linux') return;
  // A process that ends meanwhile has no threads to read.
  while (!(await isFrozen(pid).catch(() => true))) {
    await pause(FROZEN_POLL_MS);
  }
}

/**
 * Makes a command that the kernel ends when this process ends, even by SIGKILL. On Linux only; elsewhere the command stays as it is.
 * The command replaces the helper that is started first, so the process id is the command's.
 */
export async function endWithParent(command: string, args: readonly string[]): Promise<[string, readonly string[]]> {
  const setpriv = process.platform === 'linux' ? await findExecutable('setpriv') : undefined;
  return setpriv === undefined ? [command, args] : [setpriv, ['--pdeathsig', 'KILL', '--', command, ...args]];
}

function whenSpawned(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => {
      if (child.pid === undefined) reject(new Error('bug: a spawned process has no process id.'));
      else resolve(child.pid);
    });
  });
}

/**
 * Starts a server program as a child of this process. It ends with this process, however that ends.
 *
 * @throws Error when the program cannot be run.
 */
export async function startServerProcess(server: ServerCommand): Promise<ServerProcess> {
  const [command, args] = await endWithParent(server.command, server.arguments);
  const log = await open(server.logPath, 'a');
  try {
    const child = spawn(command, args, {
      cwd: server.cwd,
      // In a session of its own: Ctrl-C must reach only this process, which may need the server until its own end.
      detached: true,
      env: { ...process.env, ...server.environment },
      stdio: ['ignore', log.fd, log.fd],
      ...server.account,
    });
    let running = true;
    const killAtExit = (): void => void child.kill('SIGKILL');
    const ended = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => {
        running = false;
        process.off('exit', killAtExit);
        resolve(signal === null ? `exit code ${code}` : `signal ${signal}`);
      });
    });
    process.once('exit', killAtExit);
    const pid = await whenSpawned(child).catch((error: unknown) => {
      process.off('exit', killAtExit);
      throw error;
    });

    const kill = async (signal: NodeJS.Signals): Promise<void> => {
      child.kill(signal);
      if (ENDING_SIGNALS.has(signal)) await ended;
      if (signal === 'SIGSTOP') await untilFrozen(pid);
    };
    return {
      pid,
      get running() {
        return running;
      },
      ended,
      kill,
      async stop(signal, timeoutMs) {
        if (!running) return;
        const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
        child.kill(signal);
        // A frozen process acts on a signal only once it runs again.
        child.kill('SIGCONT');
        await ended;
        clearTimeout(timer);
      },
      async logTail() {
        const text = await readFile(server.logPath, 'utf8').catch(() => '');
        return text.slice(-LOG_TAIL_LENGTH).trim();
      },
    };
  } finally {
    await log.close();
  }
}
