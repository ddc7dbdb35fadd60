/** Settings of a session that a borrower asks for: which names and values are taken, and how they are written into a statement. */

import { type AcquireOptions, invalid, invalidUnquoted, type ResourceMark, PoolError } from '../../engine/index.js';
import { thrownAsError } from '../errors/index.js';

/** System variables of a session by name, such as `{ time_zone: '+02:00' }`. */
export type SessionSettings = Readonly<Record<string, string | number | boolean>>;

/** What `getConnection` takes. */
export interface BorrowOptions extends Omit<AcquireOptions, 'mark'> {
  /**
   * Settings that the connection's session must have. An idle connection that has them is lent before others. Another one is changed first, with one
   * statement. Every other borrower gets a session without them. Default: none.
   */
  readonly session?: SessionSettings;
}

const NAME = /^[a-z][a-z0-9_]{0,63}$/;

const MOST_SETTINGS = 16;
const LONGEST_VALUE = 1_000;

/** Names that a borrower cannot set so, and what to do about each. */
const REFUSED: readonly (readonly [names: RegExp, why: string])[] = [
  [/^autocommit$/, 'the pool keeps track of transactions: use pool.transaction()'],
  [
    /^(transaction|tx)_read_only$/,
    'the pool distinguishes read-only servers from read-only transactions: use pool.transaction() with readOnly',
  ],
  [/^(character_set_.*|collation_connection|names)$/, 'mysql2 has its own option for the encoding: use the option charset'],
  [/^session_track_/, 'the pool uses it to track sessions'],
  [/^(timestamp|insert_id|last_insert_id|identity|rand_seed[12]|pseudo_.*|gtid_.*)$/, 'it applies to one statement, not to a session'],
];

/** The settings of one borrower, checked. Two with one key are the same. */
export class SessionMark implements ResourceMark {
  readonly key: string;

  constructor(
    readonly settings: SessionSettings,
    /** Each name with its value as it is written into a statement, in order of names. */
    readonly literals: ReadonlyMap<string, string>,
  ) {
    this.key = JSON.stringify([...literals]);
  }
}

/** What an acquire asks of the pool. @throws PoolError `POOL_OPTION_INVALID` */
export function acquireOptionsOf(options: BorrowOptions | undefined): AcquireOptions | undefined {
  if (options?.session === undefined) return options;
  const { session, ...rest } = options;
  const mark = markOf(session);
  return mark === undefined ? rest : { ...rest, mark };
}

/**
 * The settings of a borrower, checked; undefined when there are none.
 *
 * @throws PoolError `POOL_OPTION_INVALID`, naming the variable
 */
export function markOf(session: SessionSettings): SessionMark | undefined {
  const given = entriesOf(session);
  if (given.length === 0) return undefined;
  if (given.length > MOST_SETTINGS) throw new PoolError('POOL_OPTION_INVALID', `session must have at most ${MOST_SETTINGS} settings.`);
  const literals = new Map<string, string>();
  for (const [written, value] of given) {
    const name = written.toLowerCase();
    if (!NAME.test(name)) throw invalid('A name in session', written, 'the name of a system variable, such as time_zone');
    const refusal = REFUSED.find(([names]) => names.test(name));
    if (refusal !== undefined) throw new PoolError('POOL_OPTION_INVALID', `session.${name} cannot be set for a borrower: ${refusal[1]}.`);
    if (literals.has(name)) throw new PoolError('POOL_OPTION_INVALID', `session.${name} is given twice.`);
    literals.set(name, literalOf(name, value));
  }
  return new SessionMark(Object.freeze(Object.fromEntries(given)) as SessionSettings, literals);
}

/** In order of names. A caller's getters run here. */
function entriesOf(session: SessionSettings): [string, unknown][] {
  if (typeof session !== 'object' || session === null || Array.isArray(session))
    throw invalidUnquoted('session', session, 'an object of system variables, such as { time_zone: "+02:00" }');
  try {
    return Object.entries<unknown>(session).sort(([a], [b]) => (a < b ? -1 : 1));
  } catch (error) {
    throw thrownAsError(error, 'session must be readable', 'an object that throws when it is read');
  }
}

/** Doubled quotes are right under every sql_mode; a backslash is not, so there is none. */
function literalOf(name: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value !== 'string') throw invalidUnquoted(`session.${name}`, value, 'a string, a finite number, true, or false');
  if (value.length > LONGEST_VALUE || hasUnsafeCharacter(value))
    throw invalidUnquoted(
      `session.${name}`,
      value,
      `a string of at most ${LONGEST_VALUE} characters, without backslashes and control characters`,
    );
  if (name === 'sql_mode' && value.toUpperCase().includes('NO_BACKSLASH_ESCAPES'))
    throw new PoolError(
      'POOL_OPTION_INVALID',
      'session.sql_mode cannot have NO_BACKSLASH_ESCAPES: mysql2 escapes values with backslashes.',
    );
  return `'${value.replaceAll("'", "''")}'`;
}

function hasUnsafeCharacter(value: string): boolean {
  for (let i = 0; i < value.length; i += 1) {
    const code = value.charCodeAt(i);
    if (code < 0x20 || code === 0x7f || code === 0x5c) return true;
  }
  return false;
}
