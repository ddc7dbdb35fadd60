/** What the option `credentials` gave for a login: a user, passwords and until when they hold, and no place to log in to. */

import { invalidUnquoted, PoolError } from '../../engine/index.js';
import { isPlainObject } from './checks.js';
import type { LoginIdentity } from './table.js';

/** `password1` to `password3` are the factors of a login with several, as in mysql2. */
export const LOGIN_NAMES = ['user', 'password', 'password1', 'password2', 'password3'] as const satisfies readonly (keyof LoginIdentity)[];

const ALLOWED: readonly string[] = LOGIN_NAMES;

/** How secret stores name them. */
const STORED_AS: Readonly<Record<string, string>> = {
  username: 'user',
  userName: 'user',
  pwd: 'password',
  pass: 'password',
  expires_at: 'expiresAt',
  expiry: 'expiresAt',
};

/** In the year 1973, in milliseconds; in the year 5138, in seconds. */
const EARLIEST_IN_MS = 1e11;

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

/** What is known of a login: who, and until when, by the wall clock in milliseconds since 1970. `undefined`: not known. */
export interface CheckedCredentials {
  readonly login: LoginIdentity;
  readonly expiresAt: number | undefined;
}

/**
 * Checks what the function has given. A text is a password.
 *
 * @throws PoolError `POOL_OPTION_INVALID`, which names what is not allowed and shows no value
 */
export function checkedCredentials(given: unknown): CheckedCredentials {
  if (typeof given === 'string') return { login: { password: given }, expiresAt: undefined };
  if (!isPlainObject(given)) throw invalidUnquoted('The result of credentials()', given, 'a password, or an object with user and password');
  const { expiresAt, ...login } = given as Readonly<Record<string, unknown>>;
  return { login: checkedLogin(login), expiresAt: expiresAt === undefined ? undefined : momentIn(expiresAt) };
}

function checkedLogin(given: Readonly<Record<string, unknown>>): LoginIdentity {
  const values = Object.entries(given).filter(([, value]) => value !== undefined);
  const place = values.find(([name]) => PLACES.has(name));
  if (place !== undefined) throw refused(`${place[0]} says where to connect: set it in the options of createPool, where TLS is decided`);
  const unknown = values.find(([name]) => !ALLOWED.includes(name))?.[0];
  if (unknown !== undefined) {
    const name = STORED_AS[unknown];
    throw refused(name === undefined ? `${unknown} is not one of them` : `what the secret calls ${unknown} is ${name}`);
  }
  const wrong = values.find(([, value]) => typeof value !== 'string');
  if (wrong !== undefined) throw invalidUnquoted(`${wrong[0]} of credentials()`, wrong[1], 'a string');
  return Object.fromEntries(values);
}

/** Secret stores give seconds, dates or texts: the unit of a number must not be guessed, because a wrong guess shows only much later. */
function momentIn(expiresAt: unknown): number {
  const moment = expiresAt instanceof Date ? expiresAt.getTime() : expiresAt;
  if (typeof moment === 'number' && moment >= EARLIEST_IN_MS) return moment;
  const isInSeconds = typeof moment === 'number' && moment > 0;
  const allowed = 'a Date, or milliseconds since 1970';
  throw invalidUnquoted(
    'expiresAt of credentials()',
    expiresAt,
    isInSeconds ? `${allowed}: this is in seconds, or only a duration` : allowed,
  );
}

function refused(why: string): PoolError {
  return new PoolError(
    'POOL_OPTION_INVALID',
    `credentials() may only return user, password, and expiresAt: ${why}. For a secret with more in it: ({ username, password }) => ({ user: username, password }).`,
  );
}
