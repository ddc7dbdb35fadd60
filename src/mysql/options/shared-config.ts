/** mysql2's configuration of a pool's connections, which hides its secrets, and the copy that each connection gets of it. */

import { type ConnectionConfig, connectionConfig, hideSecrets } from '../driver/index.js';
import type { ResolvedOptions } from './resolve.js';

export function configOf({ connection }: Pick<ResolvedOptions, 'connection'>): ConnectionConfig {
  return hideSecrets(connectionConfig(connection));
}

/** A copy for one connection: what `changeUser` and SET NAMES write into it must not reach the others. */
export function copyOf(shared: ConnectionConfig): ConnectionConfig {
  return { __proto__: Object.getPrototypeOf(shared) as object, ...shared } as ConnectionConfig;
}
