/** The options of a pool: the one table with their defaults and ranges, and the checks of what was given. */

import { PoolError } from './errors.js';

/**
 * Options of a pool of any resource. Durations are in milliseconds. They are validated when the pool is made and do not
 * change afterwards, except those that `resize()` changes.
 */
export interface PoolOptions {
  /** Name of the pool in errors, statistics and metrics. Default: 'pool'. */
  readonly name?: string;
  /** The most resources that are open at once. Default: 20. */
  readonly connectionLimit?: number;
  /** Idle resources that are kept ready: opened ahead and refilled in the background. Default: 1. */
  readonly minIdle?: number;
  /** Idle resources above this number are closed within about a second. Default: connectionLimit. */
  readonly maxIdle?: number;
  /** Whether an acquire waits while nothing is free; otherwise it is refused. Default: true. */
  readonly waitForConnections?: boolean;
  /** The most acquires that may wait for a resource of others; 0 = unlimited. Default: 0. */
  readonly queueLimit?: number;
  /**
   * Who is served next. 'fifo': who came first. 'fair': the more urgent (`priority`), and among equals each `fairnessKey` in turns, first come,
   * first served within. Default: 'fifo'.
   */
  readonly scheduling?: 'fifo' | 'fair';
  /** With `scheduling: 'fair'`: the most resources that one `fairnessKey` may have at once; 0 = no limit. Default: 0. */
  readonly fairnessLimit?: number;
  /** When callers have been waiting longer than this without a break, the newest of the least urgent are refused; 0 = off. Default: 0. */
  readonly waitTarget?: number;
  /** For how long a waiter must have been waiting longer than `waitTarget`. Default: 100. */
  readonly waitInterval?: number;
  /** How long an acquire may wait, in all; 0 = without limit. Default: 30000. */
  readonly acquireTimeout?: number;
  /** How long opening a resource may take, in all; 0 = without limit. Default: 10000. */
  readonly connectTimeout?: number;
  /** A resource that was idle for longer is closed, down to `minIdle`; 0 = never. Default: 600000. */
  readonly idleTimeout?: number;
  /** The longest life of a resource, minus up to 10 % at random so that they do not end together; 0 = no limit. Default: 1800000. */
  readonly maxLifetime?: number;
  /** A resource that was idle for longer is validated in the background; 0 = never. Default: 120000. */
  readonly keepaliveInterval?: number;
  /** A resource that was idle for longer is validated before it is lent; 0 = always, Infinity = never. Default: 500. */
  readonly validateAfterIdle?: number;
  /** How long a validation or the cleaning of a session may take. Default: 5000. */
  readonly validationTimeout?: number;
  /** A resource that is lent for longer is reported once, with its borrower's stack; 0 = off. Default: 0. */
  readonly leakDetectionThreshold?: number;
}

/** The options in force: every one has a value. */
export type ResolvedPoolOptions = { readonly [K in keyof PoolOptions]-?: NonNullable<PoolOptions[K]> };

/** What an option takes, its default, and a sentence for the documentation. */
export type OptionSpec =
  | { readonly kind: 'number'; readonly min: number; readonly max: number; readonly default: number | undefined; readonly about: string }
  | { readonly kind: 'boolean'; readonly default: boolean; readonly about: string }
  | { readonly kind: 'text'; readonly default: string | undefined; readonly about: string }
  | { readonly kind: 'choice'; readonly choices: readonly string[]; readonly default: string; readonly about: string }
  | { readonly kind: 'function'; readonly default: undefined; readonly about: string };

/** MySQL's largest `max_connections` (MySQL reference manual, server system variables). */
export const LARGEST_CONNECTION_LIMIT = 100_000;

/** A year: longer durations are mistakes. */
const LONGEST_MS = 365 * 24 * 3600 * 1000;

const milliseconds = (defaultMs: number, about: string, min = 0): OptionSpec & { kind: 'number' } => ({
  kind: 'number',
  min,
  max: LONGEST_MS,
  default: defaultMs,
  about,
});

/** The one table of the engine's options: validation, documentation and metrics read it. */
export const poolOptionTable = {
  name: { kind: 'text', default: 'pool', about: 'Name of the pool in errors, statistics and metrics.' },
  connectionLimit: {
    kind: 'number',
    min: 1,
    max: LARGEST_CONNECTION_LIMIT,
    default: 20,
    about: 'The most connections that are open at once.',
  },
  minIdle: {
    kind: 'number',
    min: 0,
    max: LARGEST_CONNECTION_LIMIT,
    default: 1,
    about: 'Idle connections kept ready: opened ahead, refilled in the background.',
  },
  maxIdle: {
    kind: 'number',
    min: 0,
    max: LARGEST_CONNECTION_LIMIT,
    default: undefined,
    about: 'Idle connections above this number are closed within about a second. Default: connectionLimit.',
  },
  waitForConnections: { kind: 'boolean', default: true, about: 'Whether an acquire waits while nothing is free; otherwise it is refused.' },
  queueLimit: {
    kind: 'number',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    default: 0,
    about: 'The most acquires that may wait for a connection of others; 0 = unlimited.',
  },
  scheduling: {
    kind: 'choice',
    choices: ['fifo', 'fair'],
    default: 'fifo',
    about:
      "Who is served next. 'fifo': who came first. 'fair': the more urgent (`priority`), and among equals each `fairnessKey` in turns, first come, first served within.",
  },
  fairnessLimit: {
    kind: 'number',
    min: 0,
    max: LARGEST_CONNECTION_LIMIT,
    default: 0,
    about: "With scheduling: 'fair': the most connections that one `fairnessKey` may have at once; 0 = no limit.",
  },
  waitTarget: milliseconds(
    0,
    'When callers have been waiting longer than this without a break, the newest of the least urgent are refused; 0 = off.',
  ),
  waitInterval: milliseconds(100, 'For how long a waiter must have been waiting longer than waitTarget.', 1),
  acquireTimeout: milliseconds(30_000, 'How long an acquire may wait, in all; one absolute deadline; 0 = without limit.'),
  connectTimeout: milliseconds(10_000, 'How long opening a connection may take, in all; 0 = without limit.'),
  idleTimeout: milliseconds(600_000, 'A connection that was idle for longer is closed, down to minIdle; 0 = never.'),
  maxLifetime: milliseconds(1_800_000, 'The longest life of a connection, minus up to 10 % at random; 0 = no limit.'),
  keepaliveInterval: milliseconds(120_000, 'A connection that was idle for longer is pinged in the background; 0 = never.'),
  validateAfterIdle: {
    kind: 'number',
    min: 0,
    max: Number.POSITIVE_INFINITY,
    default: 500,
    about: 'A connection that was idle for longer is pinged before it is lent; 0 = always, Infinity = never.',
  },
  validationTimeout: milliseconds(5_000, 'How long a ping or the cleaning of a session may take.', 1),
  leakDetectionThreshold: milliseconds(0, "A connection that is lent for longer is reported once, with its borrower's stack; 0 = off."),
} as const satisfies Record<keyof PoolOptions, OptionSpec>;

/** Names that other pools use for the same thing, so that the error can say which one is meant. */
const NAMES_ELSEWHERE: Readonly<Record<string, string>> = {
  max: 'connectionLimit',
  maximumPoolSize: 'connectionLimit',
  poolSize: 'connectionLimit',
  min: 'minIdle',
  minimumIdle: 'minIdle',
  acquireTimeoutMillis: 'acquireTimeout',
  connectionTimeout: 'acquireTimeout',
  connectionTimeoutMillis: 'connectTimeout',
  createTimeoutMillis: 'connectTimeout',
  idleTimeoutMillis: 'idleTimeout',
  keepaliveTime: 'keepaliveInterval',
  maxLifetimeSeconds: 'maxLifetime',
  minDelayValidation: 'validateAfterIdle',
  leakDetectionTimeout: 'leakDetectionThreshold',
  maxWaitingClients: 'queueLimit',
};

/**
 * Checks the given options against the table and fills in the defaults.
 *
 * @throws PoolError `POOL_OPTION_INVALID`, naming the option, what was given and what is allowed.
 */
export function resolvePoolOptions(given: PoolOptions): ResolvedPoolOptions {
  refuseUnknownOptions(given, Object.keys(poolOptionTable));
  const resolved = resolveFromTable(poolOptionTable, given) as { -readonly [K in keyof ResolvedPoolOptions]: ResolvedPoolOptions[K] };
  const { connectionLimit } = resolved;
  // Only options that were given can contradict each other: a default gives way.
  if (given.maxIdle === undefined) resolved.maxIdle = connectionLimit;
  if (given.minIdle === undefined) resolved.minIdle = Math.min(resolved.minIdle, resolved.maxIdle, connectionLimit);
  refuseContradictions(resolved);
  return Object.freeze(resolved);
}

/** The options that a running pool can change: those that mysql2 reads from its configuration at each use, and `minIdle`. */
const RESIZABLE = ['connectionLimit', 'minIdle', 'maxIdle', 'queueLimit', 'waitForConnections', 'idleTimeout'] as const;

/** What `resize()` takes. */
export type Resizable = Pick<PoolOptions, (typeof RESIZABLE)[number]>;

/** The options as they would be after a change; checks them as at the start. */
export function resizedOptions(current: ResolvedPoolOptions, change: Resizable): ResolvedPoolOptions {
  refuseUnknownOptions(change, RESIZABLE);
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const connectionLimit = change.connectionLimit ?? current.connectionLimit;
  const followsLimit = current.maxIdle === current.connectionLimit;
  const maxIdle = change.maxIdle ?? (followsLimit ? connectionLimit : Math.min(current.maxIdle, connectionLimit));
  const minIdle = change.minIdle ?? Math.min(current.minIdle, maxIdle);
  return resolvePoolOptions({ ...current, ...given, connectionLimit, maxIdle, minIdle });
}

function refuseContradictions({ connectionLimit, minIdle, maxIdle, fairnessLimit, scheduling }: ResolvedPoolOptions): void {
  if (minIdle > connectionLimit) throw contradiction('minIdle', minIdle, 'connectionLimit', connectionLimit);
  if (maxIdle > connectionLimit) throw contradiction('maxIdle', maxIdle, 'connectionLimit', connectionLimit);
  if (fairnessLimit > 0 && scheduling !== 'fair') {
    throw new PoolError('POOL_OPTION_INVALID', `fairnessLimit (${fairnessLimit}) needs scheduling: 'fair'.`);
  }
  if (minIdle > maxIdle) throw contradiction('minIdle', minIdle, 'maxIdle', maxIdle);
}

function contradiction(name: string, value: number, limitName: string, limit: number): PoolError {
  return new PoolError('POOL_OPTION_INVALID', `${name} (${value}) must not be above ${limitName} (${limit}).`);
}

/** Each option of `table`: the given value, checked, or the default. An option given as `undefined` counts as not given. */
export function resolveFromTable(table: Readonly<Record<string, OptionSpec>>, given: object): Record<string, unknown> {
  const resolved: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(table)) {
    const value = (given as Record<string, unknown>)[name];
    resolved[name] = value === undefined ? spec.default : checkedValue(name, value, spec);
  }
  return resolved;
}

/** Numbers may be written as decimal digits and booleans as words, because environment variables and URLs have no types. */
function checkedValue(name: string, value: unknown, spec: OptionSpec): unknown {
  switch (spec.kind) {
    case 'number': {
      const number = typeof value === 'string' && /^(\d+|Infinity)$/.test(value.trim()) ? Number(value) : value;
      const inRange = typeof number === 'number' && number >= spec.min && number <= spec.max;
      if (!inRange || !(Number.isInteger(number) || number === Number.POSITIVE_INFINITY)) {
        throw invalid(name, value, rangeOf(spec));
      }
      return number;
    }
    case 'boolean': {
      if (value === true || value === 'true' || value === '1') return true;
      if (value === false || value === 'false' || value === '0') return false;
      throw invalid(name, value, 'true or false');
    }
    case 'text': {
      if (typeof value === 'string' && value !== '') return value;
      throw invalid(name, value, 'a text that is not empty');
    }
    case 'choice': {
      if (typeof value === 'string' && spec.choices.includes(value)) return value;
      throw invalid(name, value, `one of ${spec.choices.map((choice) => `'${choice}'`).join(', ')}`);
    }
    case 'function': {
      if (typeof value === 'function') return value;
      throw invalidUnquoted(name, value, 'a function');
    }
  }
}

function rangeOf({ min, max }: { readonly min: number; readonly max: number }): string {
  return max >= Number.MAX_SAFE_INTEGER ? `a whole number, at least ${min}` : `a whole number from ${min} to ${max}`;
}

/** `POOL_OPTION_INVALID` for one option: its name, what was given, what is allowed. */
export function invalid(name: string, value: unknown, allowed: string): PoolError {
  return new PoolError('POOL_OPTION_INVALID', `${name} must be ${allowed}; given: ${printable(value)}.`);
}

/** The same for an option whose value may be a secret, given in the wrong place: it is not quoted. */
export function invalidUnquoted(name: string, value: unknown, allowed: string): PoolError {
  return new PoolError('POOL_OPTION_INVALID', `${name} must be ${allowed}; given: ${kindOf(value)}.`);
}

/**
 * Refuses unknown options: a misspelt one would otherwise not be in force, and its author would not notice.
 *
 * @throws PoolError `POOL_OPTION_INVALID` for the first option whose name is not known, with the nearest known one.
 */
export function refuseUnknownOptions(given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`;
    throw new PoolError('POOL_OPTION_INVALID', `Unknown option ${name}.${hint}`);
  }
}

/** The known name that `name` was probably meant to be: at most `within` letters away. */
export function nearestName(name: string, known: readonly string[], within = Math.max(2, Math.floor(name.length / 3))): string | undefined {
  const elsewhere = NAMES_ELSEWHERE[name];
  if (elsewhere !== undefined && known.includes(elsewhere)) return elsewhere;
  let nearest: string | undefined;
  let nearestDistance = within + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < nearestDistance) {
      nearest = candidate;
      nearestDistance = distance;
    }
  }
  return nearest;
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}

/** Short, and without what is inside objects: an option's value may hold a secret. */
function printable(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  if (typeof value === 'function') return 'a function';
  return String(value);
}
