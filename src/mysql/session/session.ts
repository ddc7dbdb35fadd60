/** What a connection's session may have kept of its borrower: an open transaction, session state, another user. */

import type { StatementFacts } from '../../sql/index.js';
import type { Command } from '../driver/index.js';
import type { ReportedChange } from './reported-change.js';

/** Status flags of the protocol (MySQL internals manual, "Status Flags"). */
const IN_TRANSACTION = 0x0001;
const IN_READ_ONLY_TRANSACTION = 0x2000;

/** Follows the session by what is sent and what the server answers. */
export class Session {
  /** The server says that a transaction is open. */
  inTransaction = false;
  /** Session variables, temporary tables, locks, the default database or statements of the borrower may be there: a reset cleans them. */
  dirty = false;
  /** The server says that something changed, and has not said what. */
  doubtful = false;
  /** A stored function may have been called, in an answer that does not say what it did. */
  calledRoutine = false;
  /** The connection logged in as another user. */
  userChanged = false;
  /** What a reset does not take back may have changed: */
  roleChanged = false;
  resourceGroupChanged = false;
  /** Whether the server reports changes at all: then it is asked for those of stored functions. */
  reported = false;
  #inReadOnlyTransaction = false;
  /** The flag of a read-only transaction is that of the one before. */
  #mayWrite = false;
  /** SET TRANSACTION READ ONLY holds for one transaction: 'used' once a statement was sent that may have been it. */
  #nextReadOnly: 'asked' | 'used' | undefined = undefined;
  #readOnlySession = false;

  /** The borrower asked for a read-only transaction or session: that writes fail in it says nothing about the server. */
  get readOnlyAsked(): boolean {
    return this.#readOnlySession || this.#nextReadOnly !== undefined || (this.#inReadOnlyTransaction && !this.#mayWrite);
  }

  /** There is more than an open transaction that a reset would take away. */
  get needsReset(): boolean {
    return this.dirty || this.doubtful;
  }

  /** The status flags of a result that has just arrived. */
  noteStatus(flags: number): void {
    this.inTransaction = (flags & IN_TRANSACTION) !== 0;
    this.#inReadOnlyTransaction = (flags & IN_READ_ONLY_TRANSACTION) !== 0;
    if (!this.#inReadOnlyTransaction) this.#mayWrite = false;
    if (this.#nextReadOnly !== undefined && (this.inTransaction || this.#nextReadOnly === 'used')) this.#nextReadOnly = undefined;
  }

  /** The server has answered with an error. */
  noteError(): void {
    if (this.#nextReadOnly === 'used') this.#nextReadOnly = undefined;
  }

  /** What the server reported with a result. */
  noteChange(change: ReportedChange): void {
    this.doubtful = change === 'unsaid';
    // No statement shows it: it was done in a routine.
    if (change !== 'transaction' && !this.dirty) this.roleChanged = true;
    if (change === 'session') this.dirty = true;
  }

  /** The same of a listener's statement: what it changes is there for every borrower. */
  noteStatusOfListener(flags: number): void {
    this.inTransaction = (flags & IN_TRANSACTION) !== 0;
  }

  /** A listener's statement is about to be sent. */
  noteStatementOfListener(facts: StatementFacts): void {
    const { dirty, calledRoutine, roleChanged, resourceGroupChanged } = this;
    this.noteStatement(facts);
    this.dirty = dirty;
    this.calledRoutine = calledRoutine;
    this.roleChanged = roleChanged;
    this.resourceGroupChanged = resourceGroupChanged;
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
    else if (this.#readOnlySession && facts.endsReadOnly) this.#readOnlySession = false;
    if (asked === 'next') this.#nextReadOnly = 'asked';
    else if (this.#nextReadOnly === 'asked' && mayBeTransaction(facts)) this.#nextReadOnly = 'used';
    // MySQL keeps the flag of a read-only transaction when another one follows without a COMMIT.
    if (this.#inReadOnlyTransaction && asked === undefined && beginsTransaction(facts)) this.#mayWrite = true;
    if (facts.changesSession) this.#noteChanging(facts);
    else if (this.reported && !this.dirty && !this.calledRoutine) this.calledRoutine = facts.callsRoutine;
  }

  /** What every borrower finds was set up: that it asked for read-only transactions is remembered. */
  setUp(): void {
    this.userChanged = false;
    this.#forgetChanges();
  }

  /** What is sent until the function that this returns is called is the pool's own: the session counts as changed by no borrower for it. */
  apart(): () => void {
    const { dirty, doubtful, calledRoutine, roleChanged, resourceGroupChanged } = this;
    return () => void Object.assign(this, { dirty, doubtful, calledRoutine, roleChanged, resourceGroupChanged });
  }

  /** The session was reset, or was found as clean as it was at the beginning. */
  cleaned(): void {
    this.userChanged = false;
    this.inTransaction = false;
    this.#inReadOnlyTransaction = false;
    this.#mayWrite = false;
    this.#nextReadOnly = undefined;
    this.#readOnlySession = false;
    this.#forgetChanges();
  }

  #noteChanging({ mayChangeRole, mayChangeResourceGroup }: StatementFacts): void {
    this.dirty = true;
    if (mayChangeRole) this.roleChanged = true;
    if (mayChangeResourceGroup) this.resourceGroupChanged = true;
  }

  #forgetChanges(): void {
    this.dirty = false;
    this.doubtful = false;
    this.calledRoutine = false;
    this.roleChanged = false;
    this.resourceGroupChanged = false;
  }
}

/** Whether a statement is a transaction of its own outside of any. A read may be one, or none: then the next one is. */
function mayBeTransaction({ first, looksLikeRead }: StatementFacts): boolean {
  return first !== 'SET' && !looksLikeRead;
}

function beginsTransaction({ first }: StatementFacts): boolean {
  return first === 'BEGIN' || first === 'START';
}
