/** Asks tracers for a comment on a statement, and sends it behind the text. */

import { type StatementFacts, withTrailingComment } from '../../sql/index.js';
import { type Command, isQueryCommand, statementTextOf } from '../driver/index.js';
import { type StatementToSend, statementsToSend } from './trace-channels.js';

/** Statements whose text the server keeps. */
const KEPT_BY_SERVER = new Set(['CREATE', 'ALTER']);

/**
 * Asks tracers for a comment on a statement, which is sent behind its text. All that reads the text here, such as digests, errors and the cache,
 * sees it without. A prepared statement has none: the server would prepare one for each trace.
 */
export function askForComment(command: Command, facts: StatementFacts): void {
  const { start } = command;
  const sql = statementTextOf(command);
  if (start === undefined || sql === undefined || !isQueryCommand(command) || facts.first === '' || KEPT_BY_SERVER.has(facts.first)) return;
  const message: StatementToSend = { query: sql, comment: undefined };
  statementsToSend.publish(message);
  const commented = message.comment === undefined ? undefined : withTrailingComment(sql, message.comment);
  if (commented === undefined) return;
  command.start = function startCommented(this: { sql?: string }, packet, connection) {
    this.sql = commented;
    try {
      return start.call(this, packet, connection);
    } finally {
      this.sql = sql;
    }
  };
}
