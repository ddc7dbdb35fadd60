/** The protocol under check: the sources as they are, or with one rule taken out of their text. */

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Away from '../../../src/fleet/protocol/away.js';
import type * as Evidence from '../../../src/fleet/protocol/evidence.js';
import type * as InForce from '../../../src/fleet/protocol/in-force.js';
import type * as Entrance from '../../../src/fleet/protocol/index.js';
import * as away from '../../../src/fleet/protocol/away.js';
import * as evidence from '../../../src/fleet/protocol/evidence.js';
import * as inForce from '../../../src/fleet/protocol/in-force.js';
import * as entrance from '../../../src/fleet/protocol/index.js';

/** What the model and the simulation call of the protocol. */
export type Protocol = Pick<typeof Entrance, 'answered' | 'asking' | 'ceilingOf' | 'isHeld' | 'newHolding' | 'step' | 'withOpen'> &
  Pick<typeof Away, 'awayOf'> &
  Pick<typeof Evidence, 'isLive'> &
  Pick<typeof InForce, 'inForceOf'>;

/** The protocol as it is. */
export const PROTOCOL: Protocol = { ...entrance, ...away, ...evidence, ...inForce };

/** One change to one source file of the protocol. */
export interface Mutation {
  /** The rule that is taken out. */
  readonly rule: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const root = join(import.meta.dirname, '../../..');
const sources = join(root, 'src/fleet/protocol');
let made = 0;

/** The protocol with a mutation in its text. The text must be there exactly once, so that no mutation goes stale unseen. */
export async function mutated({ rule, file, from, to }: Mutation): Promise<Protocol> {
  // Not in the tree of the tests: other tests read all of its files.
  const folder = join(root, `.cache/mutated-protocol/${process.pid}-${made++}`);
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(sources)) {
    let text = await readFile(join(sources, name), 'utf8');
    if (name === file) {
      const parts = text.split(from);
      if (parts.length !== 2) throw new Error(`'${rule}': the text to take out is ${parts.length - 1} times in ${file}`);
      text = parts.join(to);
    }
    await writeFile(join(folder, name), text.replaceAll("'../contract/index.js'", "'../../../src/fleet/contract/index.js'"));
  }
  const load = async (name: string): Promise<object> => (await import(pathToFileURL(join(folder, name)).href)) as object;
  const parts = await Promise.all(['index.ts', 'away.ts', 'evidence.ts', 'in-force.ts'].map(load));
  await rm(folder, { recursive: true });
  return Object.assign({}, ...parts) as Protocol;
}
