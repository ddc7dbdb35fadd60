/** What a connection's session may have kept of its borrower: an open transaction, session state, another user. */

import type { StatementFacts } from '../../sql/index.js';
import type { Command } from '../driver/index.js';

/** Status flags of the protocol (MySQL internals manual, "Status Flags"). */
const IN_TRANSACTION = 0x0001;

/**
 * What an answer says that changed in the session. 'unsaid': something did, and the next OK packet that reports a change names this one, too; an EOF
 * packet has no room for it.
 */
export type ReportedChange = 'session' | 'transaction' | 'unsaid';

/** Follows the session by what is sent and what the server answers. */
export class Session {
  /** The server says that a transaction is open. */
  inTransaction = false;
  /** Session variables, temporary tables, locks, the default database or statements of the borrower may be there: a reset cleans them. */
  dirty = false;
  /** The server says that something changed, and has not said what. */
  doubtful = false;
  /** The connection logged in as another user: it can only be replaced. */
  userChanged = false;
  #readOnlyTransaction = false;
  #readOnlySession = false;

  /** The borrower asked for a read-only transaction or session: that writes fail in it says nothing about the server. */
  get readOnlyAsked(): boolean {
    return this.#readOnlySession || (this.#readOnlyTransaction && this.inTransaction);
  }

  /** The status flags of a result that has just arrived. */
  noteStatus(flags: number): void {
    this.inTransaction = (flags & IN_TRANSACTION) !== 0;
  }

  /** What the server reported with a result. */
  noteChange(change: ReportedChange): void {
    this.doubtful = change === 'unsaid';
    if (change === 'session') this.dirty = true;
  }

  /**
   * A command is about to be sent.
   *
   * @param facts of its statement, if it runs one
   */
  noteCommand(command: Command, facts: StatementFacts | undefined): void {
    if (facts !== undefined) this.noteStatement(facts);
    else if (command.currentConfig !== undefined) this.userChanged = true;
    else if (command.resetConnectionResponse !== undefined) this.dirty = true;
  }

  noteStatement(facts: StatementFacts): void {
    const asked = facts.asksReadOnly;
    if (asked === 'session') this.#readOnlySession = true;
    else if (asked === 'transaction') this.#readOnlyTransaction = true;
    else if (this.#readOnlyTransaction && facts.first === 'START') this.#readOnlyTransaction = false;
    if (!this.dirty) this.dirty = facts.changesSession;
  }

  /** The session was reset, or was found as clean as it was at the beginning. */
  cleaned(): void {
    this.inTransaction = false;
    this.dirty = false;
    this.doubtful = false;
    this.#readOnlyTransaction = false;
    this.#readOnlySession = false;
  }
}
