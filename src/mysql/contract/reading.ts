/** Where a read of a cluster goes, and how current it must be: what a caller may say of one statement, one connection or one transaction. */

import { invalid, invalidUnquoted, PoolError } from '../../engine/index.js';
import { checkedMilliseconds } from '../../engine/waiting/index.js';

/**
 * 'eventual': what a replica has. 'bounded': a replica that is at most `maxLag` behind. 'session': it sees the writes before it, of its `db.scope`
 * or, outside of any, of this process. 'strong': the writer.
 */
export type Consistency = 'eventual' | 'bounded' | 'session' | 'strong';

/** What a statement of a cluster takes beside the options of a pool's. A plain pool refuses them. */
export interface ReadingOptions {
  /** Which server runs it: 'reader' is a replica that is fit, or the writer when none is. Default: 'writer'; of `db.reader`: 'reader'. */
  readonly route?: 'writer' | 'reader';
  /** How current the read must be. Takes `route: 'reader'`. Default: the cluster's `reads.consistency`. */
  readonly consistency?: Consistency;
  /** How far the replica may be behind, in milliseconds. Takes 'bounded' or 'session'. Default: for bounded reads, the cluster's `reads.maxLag`. */
  readonly maxLag?: number;
  /** A position that the read must see, as `db.position()` gives it, perhaps in another process. Takes `route: 'reader'`. */
  readonly after?: string;
}

/** The names of these options. */
export const READING_OPTION_NAMES = ['route', 'consistency', 'maxLag', 'after'] as const;

const CONSISTENCIES: readonly unknown[] = ['eventual', 'bounded', 'session', 'strong'] satisfies Consistency[];

/**
 * Checks what was given. Whether `after` is a position, the cluster says.
 *
 * @returns undefined when nothing was asked
 * @throws PoolError `POOL_OPTION_INVALID`
 */
export function checkedReading({ route, consistency, maxLag, after }: Given): ReadingOptions | undefined {
  if (route === undefined && consistency === undefined && maxLag === undefined && after === undefined) return undefined;
  if (route !== undefined && route !== 'reader' && route !== 'writer') throw invalid('route', route, "'reader' or 'writer'");
  if (consistency !== undefined && !CONSISTENCIES.includes(consistency))
    throw invalid('consistency', consistency, "'eventual', 'bounded', 'session' or 'strong'");
  if (maxLag !== undefined) checkedMilliseconds('maxLag', maxLag);
  if (maxLag !== undefined && (consistency === 'eventual' || consistency === 'strong'))
    throw invalid('maxLag', maxLag, `left out with consistency: '${consistency}'`);
  if (after !== undefined && typeof after !== 'string') throw invalidUnquoted('after', after, 'a position, as db.position() gives it');
  if (after !== undefined && consistency === 'eventual') throw invalidUnquoted('after', after, "left out with consistency: 'eventual'");
  if (route === 'writer' && (consistency ?? 'strong') !== 'strong')
    throw invalid('consistency', consistency, "'strong' or left out with route: 'writer'");
  return Object.freeze({ route, consistency, maxLag, after }) as ReadingOptions;
}

interface Given {
  readonly route?: unknown;
  readonly consistency?: unknown;
  readonly maxLag?: unknown;
  readonly after?: unknown;
}

/** A statement that cannot be sent elsewhere asks for it. */
export function readingRefused(where: string): PoolError {
  return new PoolError('POOL_OPTION_INVALID', `route, consistency, maxLag and after are options of a cluster's statements; ${where}`);
}
