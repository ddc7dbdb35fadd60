/** How far writes have come: a value that grows, is compared with what servers have, and travels between processes as a text. */

import { PoolError } from '../../engine/index.js';
import { type Gtid, gtidIn, type GtidKind, type GtidSet, isServerId, reportedGtids } from './gtid-set.js';

/** What a position in another process's text may be at most. */
export const LONGEST_POSITION = 4_096;
const MOST_ENTRIES = 64;

/** How far the writes of one source have come. */
interface Entry extends Gtid {
  /**
   * MySQL: the UUID of the server that acknowledged it. The members of a group commit under one UUID with blocks of numbers of their own: a larger
   * number of another member's is no later one.
   */
  readonly by: string;
}

/**
 * The last write of each source. It need not name what came before: a server that commits in the writer's order, and has the last, has all
 * before it.
 */
export class Position {
  readonly #entries: Map<string, Entry>;
  #writtenAt: number | undefined;

  private constructor(entries: Map<string, Entry>, writtenAt: number | undefined) {
    this.#entries = entries;
    this.#writtenAt = writtenAt;
  }

  static none(): Position {
    return new Position(new Map(), undefined);
  }

  /**
   * Reads a position that another process has made with `toString()`.
   *
   * @throws PoolError `POOL_OPTION_INVALID`
   */
  static parse(text: unknown): Position {
    if (typeof text !== 'string') throw unreadable(`a ${text === null ? 'null' : typeof text} is none`);
    if (text.length > LONGEST_POSITION) throw unreadable(`it has ${text.length} characters, and may have ${LONGEST_POSITION}`);
    const position = Position.none();
    const parts = text.trim() === '' ? [] : text.split(',');
    if (parts.length > MOST_ENTRIES) throw unreadable(`it has ${parts.length} parts, and may have ${MOST_ENTRIES}`);
    for (const part of parts) {
      const writtenAt = writtenAtIn(part.trim());
      if (writtenAt === undefined) position.#add(entryIn(part.trim()));
      else position.noteUnnamed(writtenAt);
    }
    return position;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0 && this.#writtenAt === undefined;
  }

  /** Whether there is anything in it that has a name. */
  get hasNamed(): boolean {
    return this.#entries.size > 0;
  }

  /** When something was last written that the server has not named, in milliseconds since the epoch. */
  get writtenAt(): number | undefined {
    return this.#writtenAt;
  }

  /** Something was written at that time that the server has not named. */
  noteUnnamed(at: number): void {
    this.#writtenAt = Math.max(at, this.#writtenAt ?? at);
  }

  /** Every server has what was written until then without a name. */
  forgetUnnamedUntil(at: number): void {
    if (this.#writtenAt !== undefined && this.#writtenAt <= at) this.#writtenAt = undefined;
  }

  /** Whose words it is in; undefined while it is empty. */
  get kind(): GtidKind | undefined {
    for (const { kind } of this.#entries.values()) return kind;
    return undefined;
  }

  /**
   * Takes in what an answer reports.
   *
   * @param by the UUID of the server that has answered
   * @returns whether anything in it could be read
   */
  note(reported: string, by: string): boolean {
    const gtids = reportedGtids(reported);
    for (const gtid of gtids) this.#add({ ...gtid, by });
    return gtids.length > 0;
  }

  /** Takes in all that another one has. */
  merge(other: Position): void {
    for (const entry of other.#entries.values()) this.#add(entry);
    if (other.#writtenAt !== undefined) this.noteUnnamed(other.#writtenAt);
  }

  copy(): Position {
    return new Position(new Map(this.#entries), this.#writtenAt);
  }

  /** Whether it is as far as the other one in everything that the other one names. */
  covers(other: Position): boolean {
    const hasTime = other.#writtenAt === undefined || (this.#writtenAt !== undefined && this.#writtenAt >= other.#writtenAt);
    return hasTime && this.coversNamed(other);
  }

  /** The same of what has a name. */
  coversNamed(other: Position): boolean {
    for (const [key, { number }] of other.#entries) {
      const own = this.#entries.get(key);
      if (own === undefined || own.number < number) return false;
    }
    return true;
  }

  /** Whether a server that has executed this has all in the position that has a name. */
  isIn(executed: GtidSet): boolean {
    for (const { source, number } of this.#entries.values()) if (!executed.has(source, number)) return false;
    return true;
  }

  /** Forgets what every server has: no read needs to wait for it. */
  forgetWhatIsIn(executed: readonly GtidSet[]): void {
    if (executed.length === 0) return;
    for (const [key, { source, number }] of this.#entries) if (executed.every((set) => set.has(source, number))) this.#entries.delete(key);
  }

  /** As the functions that wait for it take it: `WAIT_FOR_EXECUTED_GTID_SET`, `MASTER_GTID_WAIT`. */
  get asked(): string {
    return [...this.#entries.values()].map(wordsOf).join(',');
  }

  /** For another process, see {@link Position.parse}. */
  toString(): string {
    const parts = [...this.#entries.values()].map((entry) => (needsWriter(entry) ? `${wordsOf(entry)}@${entry.by}` : wordsOf(entry)));
    if (this.#writtenAt !== undefined) parts.push(`@${this.#writtenAt}`);
    return parts.join(',');
  }

  #add(entry: Entry): void {
    const key = entry.kind === 'mariadb' ? entry.source : `${entry.source}@${entry.by}`;
    const known = this.#entries.get(key);
    if (known === undefined || known.number < entry.number) this.#entries.set(key, entry);
  }
}

/** A group's UUID is no server's. */
function needsWriter({ kind, source, by }: Entry): boolean {
  return kind === 'mysql' && !source.startsWith(by);
}

function wordsOf({ kind, source, server, number }: Entry): string {
  return kind === 'mariadb' ? `${source}-${server}-${number}` : `${source}:${number}`;
}

function entryIn(part: string): Entry {
  const [words = '', by, ...more] = part.split('@');
  const gtid = words.includes(':') && /-\d+$/.test(words.slice(words.lastIndexOf(':'))) ? undefined : gtidIn(words);
  const hasWriter = by === undefined || (gtid?.kind === 'mysql' && isServerId(by) && more.length === 0);
  if (gtid === undefined || !hasWriter) throw unreadable(`${JSON.stringify(part.slice(0, 80))} is no GTID`);
  return { ...gtid, by: by?.toLowerCase() ?? gtid.source.slice(0, 36) };
}

/** `@` and milliseconds since the epoch. A clock that is ahead of this process's must not hold reads for longer. */
function writtenAtIn(part: string): number | undefined {
  const match = /^@(\d{1,15})$/.exec(part);
  return match === null ? undefined : Math.min(Number(match[1]), Date.now());
}

function unreadable(why: string): PoolError {
  return new PoolError('POOL_OPTION_INVALID', `after must be a position, as db.position() gives it: ${why}.`);
}
