import { spawn } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTemporaryFolder } from '../../../src/demo/temporary-folder.js';
import { copyBuiltPackage } from '../../support/built.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** How a program ended, and what it printed. */
export interface Ending {
  /** `null` when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs. */
export interface Running {
  readonly ended: Promise<Ending>;
  /** What it has printed so far. */
  readonly stdout: string;
  readonly stderr: string;
  kill(signal: NodeJS.Signals): void;
}

export interface RunOptions {
  /** What runs the program. Default: this Node. */
  readonly runtime?: string;
  /** Options of Node, before the program. */
  readonly flags?: readonly string[];
  /** On top of `PATH`, which is all that is passed on. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: the project's folder. */
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

/** The project of a user that has installed the built package: its own folder, with node_modules. */
export interface Project extends AsyncDisposable {
  readonly folder: string;
  /** Writes a file of the project. Returns its path. */
  write(name: string, text: string): Promise<string>;
  /** Installs a package of this repository's node_modules, under its own name or under another. */
  install(name: string, as?: string): Promise<void>;
  /** Starts a program of the project. */
  start(file: string, options?: RunOptions): Running;
  /** Runs a program of the project to its end. */
  run(file: string, options?: RunOptions): Promise<Ending>;
}

/** Makes a project in which Poolwright and mysql2 are installed. */
export async function createProject({ mysql2 = true } = {}): Promise<Project> {
  const temporary = createTemporaryFolder('poolwright-project');
  const folder = temporary.path;
  const modules = join(folder, 'node_modules');
  await mkdir(modules);
  await copyBuiltPackage(join(modules, 'poolwright'));
  const start = (file: string, options: RunOptions = {}): Running => {
    const { runtime = process.execPath, flags = [], environment = {}, cwd = folder, timeoutMs = 180_000 } = options;
    const { PATH = '' } = process.env;
    const child = spawn(runtime, [...flags, join(folder, file)], { cwd, env: { PATH, ...environment }, timeout: timeoutMs });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
    const ended = new Promise<Ending>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, ...output }));
    });
    return {
      ended,
      kill: (signal) => void child.kill(signal),
      get stdout() {
        return output.stdout;
      },
      get stderr() {
        return output.stderr;
      },
    };
  };
  const install = async (name: string, as = name): Promise<void> => {
    await mkdir(dirname(join(modules, as)), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), join(modules, as));
  };
  if (mysql2) await install('mysql2');
  return {
    folder,
    install,
    start,
    run: (file, options) => start(file, options).ended,
    async write(name, text) {
      const file = join(folder, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
      return file;
    },
    [Symbol.asyncDispose]: () => temporary.remove(),
  };
}
