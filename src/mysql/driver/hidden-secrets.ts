/** The secrets of a connection's configuration: there for mysql2 and its users to read, and shown in no log. */

import { customInspect } from '../../packages/index.js';
import type { ConnectionConfig } from './driver.js';

const SECRETS: ReadonlySet<string> = new Set(['password', 'password1', 'password2', 'password3', 'passwordSha1', 'ssl', 'pool']);
const SECRETS_OF_TLS: ReadonlySet<string> = new Set(['key', 'passphrase', 'pfx']);

/** Makes `inspect`, and so `console.log`, and JSON show a configuration without its secrets. Copies of its properties do the same. */
export function hideSecrets(config: ConnectionConfig): ConnectionConfig {
  const shown = { enumerable: false, configurable: true, writable: true };
  Object.defineProperty(config, 'toJSON', { ...shown, value: withoutSecrets });
  Object.defineProperty(config, customInspect, { ...shown, value: withoutSecrets });
  return config;
}

function withoutSecrets(this: ConnectionConfig): object {
  const { ssl } = this;
  const isHidden = typeof ssl === 'object' ? { ssl: masked(ssl, SECRETS_OF_TLS) } : { ssl };
  return { ...masked(this, SECRETS), ...isHidden };
}

function masked(values: object, secrets: ReadonlySet<string>): object {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !secrets.has(name)));
}
