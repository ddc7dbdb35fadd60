/** What is needed of a connection to ask a server how it is. */

/** A connection of a monitor. The monitor bounds the time. */
export interface NodeConnection {
  /** What the server greets with, such as '9.7.4' or '11.8.9-MariaDB'. */
  readonly version: string;
  /** The rows of a statement, by the names of their columns; values as mysql2 makes them by itself. */
  rows(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}
