import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createTemporaryFolder } from '../../../src/demo/temporary-folder.js';
import { builtPackage } from '../../support/built.js';

/** Begins the line in which a program says how long it lingered, in rounds of a timer. */
const LINGERED = 'lingered: ';

/** How a program ended. */
export interface Ending {
  /** The exit code; `null` when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The lines that it printed. */
  readonly lines: readonly string[];
  readonly stderr: string;
  /**
   * How often a timer of 10 ms, which holds nothing, fired between the last line that it printed and the moment at which nothing held it any
   * more. On a busy machine it fires as much less as all that the program does is later.
   */
  readonly lingeredRounds: number;
}

/** The package as users install it: compiled. */
export interface BuiltPackage extends AsyncDisposable {
  /**
   * Runs a program in a process of its own. It finds the package's exports as `poolwright`, and `print` for a line of output.
   *
   * @param onOutput is called each time the program prints, with all that it has printed
   */
  run(program: string, environment: Readonly<Record<string, string>>, onOutput?: (printed: string) => void): Promise<Ending>;
}

/** Makes a folder for programs that use the package. */
export async function buildPackage(): Promise<BuiltPackage> {
  const folder = createTemporaryFolder('poolwright-build');
  const index = join(await builtPackage(), 'dist/index.js');
  let programs = 0;
  return {
    async run(program, environment, onOutput) {
      programs += 1;
      const file = join(folder.path, `program-${programs}.mjs`);
      const prologue = [
        `import * as poolwright from ${JSON.stringify(pathToFileURL(index).href)};`,
        "import { writeSync } from 'node:fs';",
        'let rounds = 0;',
        'setInterval(() => { rounds += 1; }, 10).unref();',
        'const print = (line) => { writeSync(1, `${line}\\n`); rounds = 0; };',
        `process.once('exit', () => writeSync(1, \`${LINGERED}\${rounds}\`));`,
      ];
      await writeFile(file, [...prologue, program].join('\n'));
      return await end(file, environment, onOutput);
    },
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}

function end(file: string, environment: Readonly<Record<string, string>>, onOutput?: (printed: string) => void): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const { PATH } = process.env;
    const child = spawn(process.execPath, [file], { env: { ...(PATH === undefined ? {} : { PATH }), ...environment }, timeout: 180_000 });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      onOutput?.(stdout);
    });
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const printed = stdout.split('\n').filter((line) => line !== '');
      const lines = printed.filter((line) => !line.startsWith(LINGERED));
      const lingeredRounds = Number(printed.find((line) => line.startsWith(LINGERED))?.slice(LINGERED.length));
      resolve({ code, signal, lines, stderr, lingeredRounds });
    });
  });
}
