/** The clock of the command that a connection runs: when it began, and whether it was stopped or broke before it ended. */

import { performance } from '../../engine/waiting/index.js';
import { type Command, statementTextOf } from '../driver/index.js';
import type { Breakage, StatementLog } from '../observation/index.js';

/** Times the commands of one connection and reports to the log what became of those of its borrowers. */
export class CommandClock {
  /** When the command began that is being answered. */
  startedAt = 0;
  /** The command that was last asked to be stopped. Its caller has the error at once, and has given the connection back when it ends. */
  #stopped: Command | undefined = undefined;
  /** The last command that was reported as broken. */
  #broken: Command | undefined = undefined;

  /** The text without values of the statement that is being answered: it comes again, and its digest is kept. */
  #given: string | undefined = undefined;
  #givenOf: Command | undefined = undefined;

  /**
   * @param log undefined for a connection that is never lent
   */
  constructor(
    private readonly log: StatementLog | undefined,
    private readonly lender: { isLent(): boolean },
  ) {}

  /**
   * A command is sent on a connection that was not busy.
   *
   * @param given the text of its statement without its values, where that is known
   */
  start(command: Command, given: string | undefined): void {
    this.startedAt = performance.now();
    this.#given = given;
    this.#givenOf = command;
  }

  stop(command: Command): void {
    this.#stopped = command;
  }

  /** Whether this side has asked for its end. */
  wasStopped(command: Command): boolean {
    return this.#stopped === command;
  }

  /** The command that is being answered fails with its connection, or for lack of time. Only a borrower's statement counts. */
  broke(command: Command, error: Error, how: Breakage): void {
    if (this.log === undefined || statementTextOf(command) === undefined || !this.lender.isLent()) return;
    const now = performance.now();
    this.#broken = command;
    this.log.statementBroke(error, now - this.startedAt, now, how);
  }

  /** @param startedAt when the command began: the next one may have begun, and ended, since */
  ended(command: Command, startedAt: number): void {
    const now = performance.now();
    // What the pool itself asks between two leases does not count.
    const sql = this.log === undefined ? undefined : statementTextOf(command);
    if (sql !== undefined) {
      const text = command === this.#givenOf ? (this.#given ?? sql) : sql;
      if (this.lender.isLent()) this.log?.statementEnded(now - startedAt, text, now, command === this.#broken);
      else if (this.#stopped === command) this.log?.statementStopped(now - startedAt, text);
    }
    // It holds its rows.
    if (command === this.#givenOf) this.#givenOf = undefined;
    this.startedAt = now;
  }
}
