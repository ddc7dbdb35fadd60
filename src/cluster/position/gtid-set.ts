/** What a server has executed, read from its own words: MySQL's `gtid_executed`, MariaDB's `gtid_current_pos`. */

/** What a kind of server calls its transactions: `uuid:number` or `domain-server-number`. */
export type GtidKind = 'mysql' | 'mariadb';

/** A text that is longer was made by no server: 64 servers' worth of ranges fit in. */
const LONGEST_TEXT = 65_536;

const UUID = String.raw`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`;
/** A server's or a group's UUID, with the tag that MySQL 8.3 and later may put behind it. */
const SOURCE = new RegExp(`^${UUID}$`, 'i');
const TAG = /^[a-z_][a-z0-9_]{0,31}$/i;
const NUMBER = /^\d{1,16}$/;
const INTERVAL = /^(\d{1,16})(?:-(\d{1,16}))?$/;
const MARIADB = /^(\d{1,10})-(\d{1,10})-(\d{1,16})$/;

/** First and last number, both included. */
type Interval = readonly [from: number, to: number];

/** The transactions of each source (on MariaDB: domain) that a server has. */
export class GtidSet {
  readonly #sources: ReadonlyMap<string, readonly Interval[]>;

  private constructor(sources: ReadonlyMap<string, readonly Interval[]>) {
    this.#sources = sources;
  }

  /** @returns undefined when it cannot be read: then nothing is known of the server */
  static parse(text: string): GtidSet | undefined {
    if (text.length > LONGEST_TEXT) return undefined;
    const sources = new Map<string, Interval[]>();
    for (const part of text.split(',')) {
      const trimmed = part.trim();
      if (trimmed === '') continue;
      if (!readMariaDb(trimmed, sources) && !readMysql(trimmed, sources)) return undefined;
    }
    return new GtidSet(sources);
  }

  has(source: string, number: number): boolean {
    return this.#sources.get(source)?.some(([from, to]) => number >= from && number <= to) === true;
  }

  /** Whether everything in `other` is in this one, too. */
  covers(other: GtidSet): boolean {
    for (const [source, intervals] of other.#sources) {
      const own = this.#sources.get(source);
      if (!intervals.every(([from, to]) => own?.some((interval) => from >= interval[0] && to <= interval[1]) === true)) return false;
    }
    return true;
  }
}

/** `domain-server-number`: MariaDB reports the last one of each domain, which has all before it. */
function readMariaDb(text: string, into: Map<string, Interval[]>): boolean {
  const match = MARIADB.exec(text);
  if (match === null) return false;
  const [, domain = '', , number = ''] = match;
  const to = numberOf(number);
  if (to === undefined) return false;
  const known = into.get(domain)?.[0]?.[1] ?? 0;
  into.set(domain, [[0, Math.max(known, to)]]);
  return true;
}

/** `uuid:1-5:7:tag:1-3`: a tag holds for the intervals behind it. */
function readMysql(text: string, into: Map<string, Interval[]>): boolean {
  const [uuid = '', ...rest] = text.split(':');
  if (!SOURCE.test(uuid) || rest.length === 0) return false;
  let source = uuid.toLowerCase();
  for (const part of rest) {
    const item = part.trim();
    if (TAG.test(item)) {
      source = `${uuid.toLowerCase()}:${item.toLowerCase()}`;
      continue;
    }
    const match = INTERVAL.exec(item);
    if (match === null) return false;
    const from = numberOf(match[1] ?? '');
    const to = match[2] === undefined ? from : numberOf(match[2]);
    if (from === undefined || to === undefined || to < from) return false;
    const intervals = into.get(source) ?? [];
    if (intervals.length === 0) into.set(source, intervals);
    intervals.push([from, to]);
  }
  return true;
}

/** One transaction: where it was committed, and its number there. */
export interface Gtid {
  readonly kind: GtidKind;
  /** MySQL: UUID, and tag if any. MariaDB: domain. */
  readonly source: string;
  readonly number: number;
  /** MariaDB's number of the server that committed it. */
  readonly server: string | undefined;
}

/** The last transaction of each source in what an answer reports, such as `uuid:11-12`. Empty when it cannot be read. */
export function reportedGtids(text: string): Gtid[] {
  const gtids: Gtid[] = [];
  for (const part of text.split(',')) {
    const gtid = gtidIn(part.trim());
    if (gtid !== undefined) gtids.push(gtid);
  }
  return gtids;
}

/** One transaction as `uuid:7`, `uuid:tag:7`, or `0-1-7`; of a range, its last. */
export function gtidIn(text: string): Gtid | undefined {
  const match = MARIADB.exec(text);
  if (match !== null) {
    const [, domain = '', server = '', number = ''] = match;
    return made('mariadb', domain, numberOf(number), server);
  }
  const [uuid = '', ...rest] = text.split(':');
  if (!SOURCE.test(uuid)) return undefined;
  const last = rest.at(-1) ?? '';
  const tag = rest.findLast((part) => TAG.test(part));
  const interval = INTERVAL.exec(last);
  if (interval === null) return undefined;
  const source = tag === undefined ? uuid.toLowerCase() : `${uuid.toLowerCase()}:${tag.toLowerCase()}`;
  return made('mysql', source, numberOf(interval[2] ?? interval[1] ?? ''), undefined);
}

/** Whether a text may stand for a server where a position names one. */
export function isServerId(text: string): boolean {
  return SOURCE.test(text);
}

function made(kind: GtidKind, source: string, number: number | undefined, server: string | undefined): Gtid | undefined {
  return number === undefined ? undefined : { kind, source, number, server };
}

/** At least 1, and exact. */
function numberOf(digits: string): number | undefined {
  const number = NUMBER.test(digits) ? Number(digits) : Number.NaN;
  return Number.isSafeInteger(number) && number > 0 ? number : undefined;
}
