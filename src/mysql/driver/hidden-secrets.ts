/** The secrets of a connection's configuration: there for mysql2 and its users to read, and shown in no log. */

import { customInspect } from '../../packages/index.js';
import type { ConnectionConfig } from './driver.js';

const SECRETS: ReadonlySet<string> = new Set(['password', 'password1', 'password2', 'password3', 'passwordSha1', 'ssl', 'pool']);
const SECRETS_OF_TLS: ReadonlySet<string> = new Set(['key', 'passphrase', 'pfx']);

/** Prototypes of configurations, each with one behind it that hides secrets. */
const hiding = new WeakMap<object, object>();

/** What is shown as a configuration's `idleTimeout`: that of its pool, now. */
const idleTimeouts = new WeakMap<object, () => number>();

/**
 * Makes `inspect`, and so `console.log`, and JSON show a configuration without its secrets, and its copies too. What does that is in the prototype: a property
 * that is defined makes a hash table of an object with forty others, of 3 KiB in each pool and each connection.
 */
export function hideSecrets(config: ConnectionConfig): ConnectionConfig {
  return Object.setPrototypeOf(config, hidingPrototype(Object.getPrototypeOf(config) as object)) as ConnectionConfig;
}

/** Shows the idle timeout of a pool in the configuration of its connections, not enumerable: it is no option of a connection. */
export function showIdleTimeout(config: ConnectionConfig, idleTimeout: () => number): void {
  idleTimeouts.set(config, idleTimeout);
}

function hidingPrototype(prototype: object): object {
  const known = hiding.get(prototype);
  if (known !== undefined) return known;
  const shown = { enumerable: false, configurable: true, writable: true, value: withoutSecrets };
  const made = Object.create(prototype, {
    toJSON: shown,
    [customInspect]: shown,
    idleTimeout: {
      get(this: object) {
        return idleTimeouts.get(this)?.();
      },
    },
  }) as object;
  hiding.set(prototype, made);
  return made;
}

function withoutSecrets(this: ConnectionConfig): object {
  const { ssl } = this;
  const isHidden = typeof ssl === 'object' ? { ssl: masked(ssl, SECRETS_OF_TLS) } : { ssl };
  return { ...masked(this, SECRETS), ...isHidden };
}

function masked(values: object, secrets: ReadonlySet<string>): object {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !secrets.has(name)));
}
