/** What an answer with the flag of a changed session reports that changed. */

import { factsOf } from '../../sql/index.js';
import { type Command, EOF_PACKET, type Packet, reportsSessionChange, statementTextOf } from '../driver/index.js';

/**
 * 'transaction': nothing that stays in the session. 'unsaid': something did, and the next OK packet that reports a change names this one, too; an EOF
 * packet has no room for it.
 */
export type ReportedChange = 'session' | 'transaction' | 'unsaid';

export function reportedChange(packet: Packet, command: Command): ReportedChange | undefined {
  const sql = statementTextOf(command);
  // MariaDB flags what SET STATEMENT … FOR sets for its statement, and sets back.
  if (sql !== undefined && factsOf(sql).setsForItself) return undefined;
  if (packet.buffer[packet.offset] === EOF_PACKET) return 'unsaid';
  return reportsSessionChange(packet) ? 'session' : 'transaction';
}
