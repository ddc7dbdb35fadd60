/** The form of the table of statements: a text, and what is expected of a server and of the reader of SQL. */

/** Whether a session is as it was before: what the server shows, and what the reader must know. */
export type SessionEffect =
  /** The server shows no change, and the reader must not report one. */
  | 'clean'
  /** The server shows a change, and the reader must report it. */
  | 'changed'
  /** No list of the server shows the change, and the reader must report it anyway. */
  | 'unseen'
  /** The server shows a change that the text does not: a stored routine or a trigger made it. The reader need not know. */
  | 'hidden'
  /** The server shows that something is gone which an earlier statement had left in the session. The reader need not know. */
  | 'released';

/** Whether the transaction in which a statement was sent is still open afterwards. */
export type TransactionEffect =
  /** It is, and the reader must know that this statement never commits. */
  | 'open'
  /** It is not, and the reader must say that it may commit. */
  | 'ended';

/** The two families of servers. */
export type ServerKind = 'mariadb' | 'mysql';

/**
 * What must hold for a statement beyond safety. Safety is checked for every row: the reader must have reported as possible what the server shows to
 * have happened.
 */
export interface Expectation {
  /** The server family that knows the statement. Default: both. */
  readonly on?: ServerKind | undefined;
  /** Statements that are sent before it, over the same connection. */
  readonly before?: readonly string[] | undefined;
  /** The connection's `sql_mode`, added to the default. */
  readonly sqlMode?: string | undefined;
  /** The server rejects it with this number, or with any. */
  readonly fails?: number | true | undefined;
  /** Sent in no transaction: the server would refuse it there, or it would mean something else. */
  readonly alone?: true | undefined;
  readonly session?: SessionEffect | undefined;
  readonly transaction?: TransactionEffect | undefined;
  /** Whether the reader must prove that it only reads. */
  readonly readOnly?: boolean | undefined;
  /** How many statements the server finds in it. Default: 1. */
  readonly statements?: number | undefined;
  /** The reader may report several statements where the server finds one: a semicolon inside a body. */
  readonly looksSeveral?: true | undefined;
  /**
   * The reader may report one statement where the server finds several: where the body of a routine ends is found without a grammar, and nothing
   * that must be safe depends on it.
   */
  readonly looksOne?: true | undefined;
  /** What the reader must report of its effect on rows. */
  readonly effect?: 'none' | 'schema' | 'everything' | readonly string[] | undefined;
  /** The tables that the reader must report it to read; or that its answer must not be kept. */
  readonly reads?: readonly string[] | 'uncacheable' | undefined;
  /** What it does happens in a stored routine behind a view, which no text shows: the reader need not know. */
  readonly behindView?: true | undefined;
  /** The first word that the reader reports where it is not the one that this version of the server sees. */
  readonly operation?: string | undefined;
}

/** One statement of the table. */
export interface Row extends Expectation {
  readonly sql: string;
}

/** Statements of one subject, with what all of them have in common. */
export interface Subject {
  readonly subject: string;
  readonly rows: readonly Row[];
}

/** A subject: rows given by their texts alone have the common expectation; others add to it. */
export function subject(name: string, common: Expectation, rows: readonly (string | Row)[]): Subject {
  return { subject: name, rows: rows.map((row) => (typeof row === 'string' ? { ...common, sql: row } : { ...common, ...row })) };
}

/** Two texts, and whether they have one digest: they do if they differ in values, comments and spaces only. */
export interface DigestPair {
  readonly one: string;
  readonly other: string;
  readonly same: boolean;
  readonly on?: ServerKind | undefined;
  /** The server sees it the other way round, for this reason. */
  readonly serverDiffers?: string;
  /** This digest of the reader sees it the other way round, for a reason given beside the pair. */
  readonly except?: 'digest' | 'ruleDigest';
}
