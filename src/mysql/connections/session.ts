/** What a connection's session may have kept of its borrower: an open transaction, session state, another user. */

import type { StatementFacts } from '../../sql/index.js';
import type { Command } from '../driver/index.js';

/** Status flags of the protocol (MySQL internals manual, "Status Flags"). */
const IN_TRANSACTION = 0x0001;
const SESSION_STATE_CHANGED = 0x4000;

/** Whether the status flags of a result say that it has changed the session. */
export function isChanged(flags: number): boolean {
  return (flags & SESSION_STATE_CHANGED) !== 0;
}

/** Follows the session by what is sent and what the server answers. */
export class Session {
  /** The server says that a transaction is open. */
  inTransaction = false;
  /** Session variables, temporary tables, locks, the default database or statements of the borrower may be there: a reset cleans them. */
  dirty = false;
  /** The connection logged in as another user. */
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
    if (isChanged(flags)) this.dirty = true;
  }

  /** The same of a listener's statement: what it changes is there for every borrower. */
  noteStatusOfListener(flags: number): void {
    this.inTransaction = (flags & IN_TRANSACTION) !== 0;
  }

  /** A listener's statement is about to be sent. */
  noteStatementOfListener(facts: StatementFacts): void {
    const { dirty } = this;
    this.noteStatement(facts);
    this.dirty = dirty;
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

  /** What every borrower finds was set up: that it asked for read-only transactions is remembered. */
  setUp(): void {
    this.dirty = false;
    this.userChanged = false;
  }

  /** The session was reset, or was found as clean as it was at the beginning. */
  cleaned(): void {
    this.userChanged = false;
    this.inTransaction = false;
    this.dirty = false;
    this.#readOnlyTransaction = false;
    this.#readOnlySession = false;
  }
}
