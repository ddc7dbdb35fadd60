import type { DiscoveryKind, NodeReading } from '../../../src/cluster/contract/index.js';
import { readNode } from '../../../src/cluster/discovery/index.js';
import { openLone, resolveOptions } from '../../../src/mysql/index.js';

/** Where to look, and who looks. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** One look at a server over a connection of its own, as a monitor looks. */
export async function lookAt(place: Place, kind: DiscoveryKind | 'auto' = 'auto', version?: string): Promise<NodeReading> {
  const { host, port, user, password } = place;
  const connection = await openLone(resolveOptions({ target: { host, port, user, password, ssl: false } }, 'own', {}));
  try {
    const rows = (sql: string): ReturnType<typeof connection.rows> => connection.rows(sql);
    return await readNode({ version: version ?? connection.version, rows }, kind);
  } finally {
    await connection.quit();
  }
}
