/** The lines of Node that contestants may run on, and how the binary of each is found. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The first one is the default. */
export const NODE_LINES = ['24', '20', '22', '26'] as const;

export type NodeLine = (typeof NODE_LINES)[number];

export interface Runtime {
  readonly line: NodeLine;
  /** The path of the binary. */
  readonly binary: string;
  readonly versions: Readonly<Record<'node' | 'openssl', string>>;
}

const LINES = pathToFileURL(fileURLToPath(new URL('../../../scripts/runtimes/node-lines.mjs', import.meta.url))).href;

/** Installed at the first use. */
export async function runtimeOf(line: NodeLine): Promise<Runtime> {
  const { nodeBinary } = (await import(LINES)) as { readonly nodeBinary: (line: string) => Promise<string> };
  const binary = await nodeBinary(line);
  const versions = execFileSync(binary, ['--print', 'JSON.stringify(process.versions)'], { encoding: 'utf8' });
  return { line, binary, versions: JSON.parse(versions) as Runtime['versions'] };
}
