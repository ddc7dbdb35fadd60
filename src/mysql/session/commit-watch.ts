/** Reads from a connection's answers what its statements have committed, for the cluster, which must know before their callers do. */

import { factsOf, type StatementFacts } from '../../sql/index.js';
import type { CommitListener } from '../contract/index.js';
import {
  awaitsFileAnswer,
  awaitsResult,
  type Command,
  type Packet,
  reportedGtid,
  SESSION_STATE_CHANGED,
  statementTextOf,
  statusOfEof,
  statusOfOk,
} from '../driver/index.js';

/** Status flags (MySQL internals manual, "Status Flags"): COMMIT, and the answer that commits, come when it is no longer set. */
const IN_TRANSACTION = 0x0001;

/** Statements that commit nothing, where the server does not say what it commits. */
const COMMITS_NOTHING: ReadonlySet<string> = new Set(['SET', 'ROLLBACK', 'START', 'BEGIN', 'USE', 'DO', 'SAVEPOINT']);

/** A connection, as far as commits on it matter. */
interface Borrowed {
  readonly scope: object | undefined;
}

/** The watch over one connection. */
export class CommitWatch {
  /** Of the caller that sent a statement, when that is known to matter. */
  #senders: WeakMap<Command, object> | undefined = undefined;
  /** All that was sent since the connection last had nothing to do only reads: most of what a pool runs, and not worth another look. */
  #onlyReads = false;

  /** @param isLent whether a borrower has the connection: what the pool itself asks on it writes nothing */
  constructor(
    private readonly listener: CommitListener,
    private readonly isLent: () => boolean,
  ) {}

  /**
   * @param facts of a statement
   * @param idle nothing else is under way on the connection
   */
  commandSent(command: Command, facts: StatementFacts | undefined, idle: boolean): void {
    const reads = facts === undefined || facts.readOnly;
    this.#onlyReads = idle ? reads : this.#onlyReads && reads;
    const sender = this.listener.scope();
    if (sender !== undefined) (this.#senders ??= new WeakMap()).set(command, sender);
  }

  /** A packet that begins as an OK packet does: a row may. */
  okReceived(packet: Packet, command: Command, { scope }: Borrowed): void {
    if (command.next !== awaitsResult && command.next !== awaitsFileAnswer && command.next !== command.infileOk) return;
    const status = statusOfOk(packet) ?? 0;
    const gtid = (status & SESSION_STATE_CHANGED) === 0 ? undefined : reportedGtid(packet);
    if (gtid !== undefined) this.listener.committed(gtid, scope, this.#senders?.get(command));
    else if (!this.listener.hasGtids && (status & IN_TRANSACTION) === 0) this.#mayHaveCommitted(command, scope);
  }

  /** The end of a result of rows, which names no GTID: `SELECT f()`, `INSERT … RETURNING`. */
  eofReceived(packet: Packet, command: Command, { scope }: Borrowed): void {
    if (this.#onlyReads) return;
    const status = statusOfEof(packet);
    if (status !== undefined && (status & IN_TRANSACTION) === 0) this.#mayHaveCommitted(command, scope);
  }

  #mayHaveCommitted(command: Command, scope: object | undefined): void {
    const sql = statementTextOf(command);
    if (sql === undefined || !this.isLent()) return;
    const facts = factsOf(sql);
    if (facts.readOnly || (COMMITS_NOTHING.has(facts.first) && !facts.severalStatements && !facts.callsRoutine)) return;
    this.listener.mayHaveCommitted(scope, this.#senders?.get(command));
  }
}
