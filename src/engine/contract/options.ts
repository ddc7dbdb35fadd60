/** The options of a pool of any resource: a table of what each takes and its default, and which options contradict each other. */

import { PoolError } from './errors.js';
import type { SizeRange } from './size-range.js';
import { type OptionSpec, resolveFromTable } from './option-table.js';
import { refuseUnknownOptions } from './refusals.js';

/**
 * Options of a pool of any resource. Durations are in milliseconds. They are checked when the pool is made. After that only `resize()` changes
 * some of them.
 */
export interface PoolOptions {
  /** Name of the pool in errors, statistics and metrics. Default: 'pool'. */
  readonly name?: string;
  /** The most resources that are open at once, or the bounds between which the pool finds this number itself. Default: 20. */
  readonly connectionLimit?: number | SizeRange;
  /** Idle resources that are kept ready: opened ahead and refilled in the background. Default: 1. */
  readonly minIdle?: number;
  /** Idle resources above this number are closed within about a second. Default: connectionLimit. */
  readonly maxIdle?: number;
  /** Whether an acquire waits while nothing is free; otherwise it is refused. Default: true. */
  readonly waitForConnections?: boolean;
  /** The most acquires that may wait for a resource of others; 0 = unlimited. Default: 0. */
  readonly queueLimit?: number;
  /**
   * Which caller is served next. 'fifo': the one that came first. 'fair': the more urgent (`priority`), and among equals each `fairnessKey` in
   * turns, in order of arrival within. Default: 'fifo'.
   */
  readonly scheduling?: 'fifo' | 'fair';
  /** With `scheduling: 'fair'`: the most resources that one `fairnessKey` may have at once; 0 = no limit. Default: 0. */
  readonly fairnessLimit?: number;
  /** When callers have been waiting longer than this, in milliseconds, without a break, the newest of the least urgent are refused; 0 = off. Default: 0. */
  readonly waitTarget?: number;
  /** How long callers must have been waiting longer than `waitTarget` before any is refused, in milliseconds. Default: 100. */
  readonly waitInterval?: number;
  /** How long an acquire may wait, in all, in milliseconds; 0 = no limit. Default: 30000. */
  readonly acquireTimeout?: number;
  /** How long opening a resource may take, in all, in milliseconds; 0 = no limit. Default: 10000. */
  readonly connectTimeout?: number;
  /**
   * How long an acquire waits, in milliseconds, while openings fail and nothing is open; then the next failed opening refuses it. An error that
   * will come again, such as a wrong password, refuses it at once. 0 = the first failed opening refuses it. Default: 0.
   */
  readonly connectPatience?: number;
  /** A resource that was idle for longer, in milliseconds, is closed, down to `minIdle`; 0 = never. Default: 600000. */
  readonly idleTimeout?: number;
  /** The longest life of a resource in milliseconds, minus up to 10 % at random so that they do not end together; 0 = no limit. Default: 1800000. */
  readonly maxLifetime?: number;
  /** A resource that was idle for longer, in milliseconds, is validated in the background; 0 = never. Default: 120000. */
  readonly keepaliveInterval?: number;
  /** A resource that was idle for longer, in milliseconds, is validated before it is lent; 0 = always, Infinity = never. Default: 500. */
  readonly validateAfterIdle?: number;
  /** How long a validation or the cleaning of a session may take, in milliseconds. Default: 5000. */
  readonly validationTimeout?: number;
  /** A resource whose borrower has run nothing for longer, in milliseconds, is reported once, with its borrower's stack; 0 = off. Default: 0. */
  readonly leakDetectionThreshold?: number;
  /**
   * What else happens to a resource that is lent for longer than `leakDetectionThreshold`. 'report': nothing. 'reclaim': the pool closes it once its
   * borrower has not used it for that long. Default: 'report'.
   */
  readonly leakAction?: 'report' | 'reclaim';
  /** A resource is closed after it was lent this many times, minus up to 10 % at random; 0 = no limit. Default: 0. */
  readonly maxUses?: number;
  /** How long it may take to make a resource ready for its borrower, in milliseconds; the borrower's own wait bounds it, too. Default: 5000. */
  readonly hookTimeout?: number;
}

/** The options in force: every one has a value. */
export type ResolvedPoolOptions = { readonly [K in keyof Omit<PoolOptions, 'connectionLimit'>]-?: NonNullable<PoolOptions[K]> } & {
  /** The most resources; of a range, its end. */
  readonly connectionLimit: number;
  /** Between what the pool finds its size; undefined: it is `connectionLimit`. */
  readonly sizeRange: SizeRange | undefined;
};

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

/** The one table of these options: the checks, the defaults, the documentation and the metrics are made from it. */
export const poolOptionTable = {
  name: { kind: 'text', default: 'pool', about: 'Name of the pool in errors, statistics, and metrics.' },
  connectionLimit: {
    kind: 'size',
    max: LARGEST_CONNECTION_LIMIT,
    default: 20,
    about: 'The most connections that may be open at once. With { min, max }, or 5-50 as text, the pool finds the number between the two.',
  },
  minIdle: {
    kind: 'number',
    min: 0,
    max: LARGEST_CONNECTION_LIMIT,
    default: 1,
    about: 'Idle connections that the pool keeps ready. It opens them ahead of time and replaces them in the background.',
  },
  maxIdle: {
    kind: 'number',
    min: 0,
    max: LARGEST_CONNECTION_LIMIT,
    default: undefined,
    about: 'The pool closes idle connections above this number within about a second. Default: connectionLimit.',
  },
  waitForConnections: {
    kind: 'boolean',
    default: true,
    about: 'Whether an acquire waits while no connection is free. If false, the pool refuses it.',
  },
  queueLimit: {
    kind: 'number',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    default: 0,
    about: 'The most acquires that may wait for a connection; 0 = unlimited.',
  },
  scheduling: {
    kind: 'choice',
    choices: ['fifo', 'fair'],
    default: 'fifo',
    about:
      "Which caller the pool serves next. 'fifo': the one that came first. 'fair': the most urgent (`priority`); among equals, each `fairnessKey` takes turns, and within a key the one that came first.",
  },
  fairnessLimit: {
    kind: 'number',
    min: 0,
    max: LARGEST_CONNECTION_LIMIT,
    default: 0,
    about: "The most connections that one `fairnessKey` may have at once, with scheduling: 'fair'; 0 = no limit.",
  },
  waitTarget: milliseconds(
    0,
    'When callers keep waiting longer than this without a break, the pool refuses the newest of the least urgent; 0 = off.',
  ),
  waitInterval: milliseconds(100, 'How long waits must stay above waitTarget before the pool refuses a caller.', 1),
  acquireTimeout: milliseconds(30_000, 'How long an acquire may wait in total (one absolute deadline); 0 = no limit.'),
  connectTimeout: milliseconds(10_000, 'How long opening a connection may take in total; 0 = no limit.'),
  connectPatience: milliseconds(
    0,
    'How long an acquire waits while the pool cannot connect, before it gets the error of a failed attempt; 0 = the first one.',
  ),
  idleTimeout: milliseconds(600_000, 'The pool closes a connection that is idle for longer, but keeps minIdle connections; 0 = never.'),
  maxLifetime: milliseconds(1_800_000, 'The maximum lifetime of a connection, minus up to 10 % at random; 0 = no limit.'),
  keepaliveInterval: milliseconds(120_000, 'The pool pings a connection in the background when it is idle for longer; 0 = never.'),
  validateAfterIdle: {
    kind: 'number',
    min: 0,
    max: Number.POSITIVE_INFINITY,
    default: 500,
    about: 'The pool pings a connection before lending it when it was idle for longer; 0 = always, Infinity = never.',
  },
  validationTimeout: milliseconds(5_000, 'How long a ping or the cleaning of a session may take.', 1),
  leakDetectionThreshold: milliseconds(
    0,
    "The pool reports a lent connection that has run no statement for longer than this. It reports it once, with its borrower's stack; 0 = off.",
  ),
  leakAction: {
    kind: 'choice',
    choices: ['report', 'reclaim'],
    default: 'report',
    about:
      "What the pool does with a connection whose borrower has run no statement for longer than leakDetectionThreshold. 'report': it only reports the connection. 'reclaim': it also closes it.",
  },
  maxUses: {
    kind: 'number',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    default: 0,
    about: 'The pool closes a connection after it was lent this many times, minus up to 10 % at random; 0 = no limit.',
  },
  hookTimeout: milliseconds(
    5_000,
    'How long onAcquire or onRelease may take. onAcquire may also not take longer than its caller waits.',
    1,
  ),
} as const satisfies Record<keyof PoolOptions, OptionSpec>;

/**
 * Checks the given options against the table and fills in the defaults.
 *
 * @throws PoolError `POOL_OPTION_INVALID`, naming the option, what was given and what is allowed.
 */
export function resolvePoolOptions(given: PoolOptions): ResolvedPoolOptions {
  refuseUnknownOptions(given, Object.keys(poolOptionTable));
  const checked = resolveFromTable(poolOptionTable, given) as Omit<ResolvedPoolOptions, 'connectionLimit'> & {
    readonly connectionLimit: number | SizeRange;
  };
  const sizeRange = typeof checked.connectionLimit === 'number' ? undefined : checked.connectionLimit;
  const connectionLimit = sizeRange?.max ?? (checked.connectionLimit as number);
  const resolved: { -readonly [K in keyof ResolvedPoolOptions]: ResolvedPoolOptions[K] } = { ...checked, connectionLimit, sizeRange };
  // Only a value that was given can contradict another. A default gives way.
  if (given.maxIdle === undefined) resolved.maxIdle = connectionLimit;
  if (given.minIdle === undefined) resolved.minIdle = Math.min(resolved.minIdle, resolved.maxIdle, connectionLimit);
  refuseContradictions(resolved);
  return Object.freeze(resolved);
}

/** Options in force as they may be given to another pool. */
export function asGiven({ sizeRange, ...options }: ResolvedPoolOptions): PoolOptions {
  return { ...options, connectionLimit: sizeRange ?? options.connectionLimit };
}

/** The options that `resize()` changes: those that mysql2 reads from its configuration at each use, and `minIdle`. */
const RESIZABLE = ['connectionLimit', 'minIdle', 'maxIdle', 'queueLimit', 'waitForConnections', 'idleTimeout'] as const;

/** What `resize()` takes. */
export type Resizable = Pick<PoolOptions, (typeof RESIZABLE)[number]>;

/** The options as they would be after a change; checks them as at the start. */
export function resizedOptions(current: ResolvedPoolOptions, change: Resizable): ResolvedPoolOptions {
  refuseUnknownOptions(change, RESIZABLE);
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const size = change.connectionLimit ?? current.sizeRange ?? current.connectionLimit;
  const connectionLimit = resolvePoolOptions({ connectionLimit: size }).connectionLimit;
  const followsLimit = current.maxIdle === current.connectionLimit;
  const maxIdle = change.maxIdle ?? (followsLimit ? connectionLimit : Math.min(current.maxIdle, connectionLimit));
  const minIdle = change.minIdle ?? Math.min(current.minIdle, maxIdle);
  return resolvePoolOptions({ ...asGiven(current), ...given, connectionLimit: size, maxIdle, minIdle });
}

function refuseContradictions(options: ResolvedPoolOptions): void {
  const { connectionLimit, minIdle, maxIdle, fairnessLimit, scheduling, leakAction, leakDetectionThreshold } = options;
  if (minIdle > connectionLimit) throw contradiction('minIdle', minIdle, 'connectionLimit', connectionLimit);
  if (maxIdle > connectionLimit) throw contradiction('maxIdle', maxIdle, 'connectionLimit', connectionLimit);
  if (fairnessLimit > 0 && scheduling !== 'fair') {
    throw new PoolError('POOL_OPTION_INVALID', `fairnessLimit (${fairnessLimit}) needs scheduling: 'fair'.`);
  }
  if (minIdle > maxIdle) throw contradiction('minIdle', minIdle, 'maxIdle', maxIdle);
  if (leakAction === 'reclaim' && leakDetectionThreshold === 0) {
    throw new PoolError(
      'POOL_OPTION_INVALID',
      "leakAction: 'reclaim' needs leakDetectionThreshold: the time without a statement after which a connection counts as leaked.",
    );
  }
}

function contradiction(name: string, value: number, limitName: string, limit: number): PoolError {
  return new PoolError('POOL_OPTION_INVALID', `${name} (${value}) must not be above ${limitName} (${limit}).`);
}
