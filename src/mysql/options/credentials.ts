/** What the option `credentials` gave for a login: a user and passwords, and no place to log in to. */

import { invalidUnquoted, PoolError } from '../../engine/index.js';
import { isPlainObject } from './checks.js';
import type { Credentials } from './table.js';

/** `password1` to `password3` are the factors of a login with several, as in mysql2. */
const ALLOWED: readonly string[] = ['user', 'password', 'password1', 'password2', 'password3'];

/** How secret stores name them. */
const STORED_AS: Readonly<Record<string, string>> = { username: 'user', userName: 'user', pwd: 'password', pass: 'password' };

/** They would lead the login elsewhere, past the decision on TLS that the pool's options have made. */
const PLACES: ReadonlySet<string> = new Set([
  'host',
  'port',
  'socketPath',
  'ssl',
  'uri',
  'url',
  'stream',
  'hostname',
  'proxy',
  'localAddress',
]);

/**
 * Checks what the function has given.
 *
 * @throws PoolError `POOL_OPTION_INVALID`, which names what is not allowed and shows no value
 */
export function checkedCredentials(given: unknown): Credentials {
  if (!isPlainObject(given)) throw invalidUnquoted('What credentials() gives', given, 'an object with user and password');
  const values = Object.entries(given).filter(([, value]) => value !== undefined);
  const place = values.find(([name]) => PLACES.has(name));
  if (place !== undefined) throw refused(`${place[0]} names a place: give it in the options of createPool, where TLS is decided for it`);
  const unknown = values.find(([name]) => !ALLOWED.includes(name))?.[0];
  if (unknown !== undefined) {
    const name = STORED_AS[unknown];
    throw refused(name === undefined ? `${unknown} is not one of them` : `what the secret calls ${unknown} is ${name}`);
  }
  const wrong = values.find(([, value]) => typeof value !== 'string');
  if (wrong !== undefined) throw invalidUnquoted(`${wrong[0]} of credentials()`, wrong[1], 'a text');
  return Object.fromEntries(values);
}

function refused(why: string): PoolError {
  return new PoolError(
    'POOL_OPTION_INVALID',
    `credentials() may give user and password, and no more: ${why}. For a secret with more in it: ({ username, password }) => ({ user: username, password }).`,
  );
}
