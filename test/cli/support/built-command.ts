import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTemporaryFolder } from '../../../src/demo/temporary-folder.js';
import { copyBuiltPackage } from '../../support/built.js';
import { waitFor } from '../../support/wait-for.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** A call of the command that is still running. */
export interface RunningCommand extends AsyncDisposable {
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves when its output holds the text. */
  says(text: string | RegExp): Promise<void>;
  /** Closes the reading end of its output. */
  stopReading(): void;
  /** Resolves with the exit code when it has ended, after this signal when one is given. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** The command as users install it: compiled, run in a process of its own. */
export interface BuiltCommand extends AsyncDisposable {
  /** The compiled module that is the command. */
  readonly path: string;
  start(parameters: readonly string[], environment?: Readonly<Record<string, string>>): RunningCommand;
  /** Runs it to its end. */
  run(
    parameters: readonly string[],
    environment?: Readonly<Record<string, string>>,
  ): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

/** Puts the command into a folder of its own: what stands in dist may be older. */
export async function buildCommand(): Promise<BuiltCommand> {
  const folder = createTemporaryFolder('poolwright-command');
  await copyBuiltPackage(folder.path);
  await symlink(join(ROOT, 'node_modules'), join(folder.path, 'node_modules'));
  const path = join(folder.path, 'dist/cli/main.js');

  const start: BuiltCommand['start'] = (parameters, environment = {}) => {
    const { PATH = '' } = process.env;
    const child = spawn(process.execPath, [path, ...parameters], { env: { PATH, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
    const closed = once(child, 'close');
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    const end = async (signal?: NodeJS.Signals): Promise<number | null> => {
      if (signal !== undefined) child.kill(signal);
      await closed;
      return child.exitCode;
    };
    return {
      get stdout() {
        return stdout;
      },
      get stderr() {
        return stderr;
      },
      async says(text) {
        const found = (): boolean => (typeof text === 'string' ? stdout.includes(text) : text.test(stdout));
        await waitFor(`the command to say ${text}; it says ${stdout}${stderr}`, found);
      },
      stopReading: () => child.stdout.destroy(),
      end,
      async [Symbol.asyncDispose]() {
        await end('SIGTERM');
      },
    };
  };
  return {
    path,
    start,
    async run(parameters, environment) {
      const call = start(parameters, environment);
      const code = await call.end();
      return { code, stdout: call.stdout, stderr: call.stderr };
    },
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}
