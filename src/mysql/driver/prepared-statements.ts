/** mysql2's cache of a connection's prepared statements: an LRU (lru.min), which has all of its room from the start. */
export interface PreparedStatements {
  readonly size: number;
  readonly max: number;
  set(text: string, statement: unknown): void;
  resize(max: number): void;
  clear(): void;
}

/** Room for this many statements when a connection is opened. */
const FIRST_ROOM = 16;
const GROWTH = 4;

/**
 * What `maxPreparedStatements` is while mysql2 makes its cache: for the 16 000 statements that it allows by default, that takes half a
 * megabyte and half a millisecond for each connection, and each reset of a session walks through all of it.
 */
export function firstRoom(maxPreparedStatements: number): number {
  return Math.min(maxPreparedStatements, FIRST_ROOM);
}

/** The room grows with the statements, up to as many as the connection may keep. */
export function growWithUse(statements: PreparedStatements, maxPreparedStatements: number): void {
  const set = statements.set.bind(statements);
  statements.set = (text, statement) => {
    const { size, max } = statements;
    if (size === max && max < maxPreparedStatements) statements.resize(Math.min(max * GROWTH, maxPreparedStatements));
    set(text, statement);
  };
}
