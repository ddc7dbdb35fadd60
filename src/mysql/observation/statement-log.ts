/** The one observer of a pool's statements: their times, their errors, the slow ones, what the breaker counts, what the cache must see. */

import { type DurationCounts, type DurationSummary, Histogram, LabelledCounts } from '../../engine/index.js';
import type { StatementFacts } from '../../sql/index.js';
import type { Command } from '../driver/index.js';
import type { ServerError } from '../errors/index.js';
import { SlowQueries } from './slow-queries.js';

/** What is needed of a connection to know when its writes are committed. */
export interface WritingConnection {
  readonly alive: boolean;
  readonly session: { readonly inTransaction: boolean };
  readonly takesSeveralStatements: boolean;
}

/** Sees each command before it is sent, and the end of each connection. */
export interface WriteObserver {
  /** @param facts of the command's statement, if it runs one */
  commandSent(connection: WritingConnection, command: Command, facts: StatementFacts | undefined): void;
  connectionLost(connection: WritingConnection): void;
}

/** What the statements of a pool have cost so far, as the pool's statistics show it. */
interface StatementCounts {
  readonly query: DurationSummary;
  readonly queryErrors: number;
  readonly queryErrorsByErrno: Readonly<Record<string, number>>;
}

/**
 * What a failed statement says about the server. `late`: it had not answered when the statement's time was up. `lost`: the connection broke under
 * the statement. `alone`: nothing, such as a connection that was killed, or a time-out for which this process stood still.
 */
export type Breakage = 'late' | 'lost' | 'alone';

/** The breaker that learns how statements ended. Its own methods, of which the shipped types know only the public ones. */
interface StatementVerdicts {
  succeeded(durationMs: number, now?: number): void;
  failed(error: unknown, durationMs: number, now?: number): void;
  failedAlone(durationMs: number, now?: number): void;
  acquit(): void;
}

/** Sees every statement of the borrowers of a pool's connections. Durations are in milliseconds. On the hot path. */
export class StatementLog {
  readonly slowQueries = new SlowQueries();
  readonly #times = new Histogram();
  #errors = 0;
  readonly #errorsByErrno = new LabelledCounts();
  /** When the statement was sent that was answered last. */
  #answeredSince = Number.NEGATIVE_INFINITY;
  /** The answer to a statement that was sent no earlier than then proves that the server was there; `Infinity`: there is nothing to prove. */
  #inDoubtSince = Number.POSITIVE_INFINITY;

  /** @param writes sees what is written, for a cache */
  constructor(
    private readonly breaker: StatementVerdicts,
    private readonly writes: WriteObserver | undefined,
  ) {}

  /** A command is about to be sent. @param facts of its statement, if it runs one */
  commandSent(connection: WritingConnection, command: Command, facts: StatementFacts | undefined): void {
    this.writes?.commandSent(connection, command, facts);
  }

  /** A statement has ended. @param broke whether `statementBroke` was called for it */
  statementEnded(durationMs: number, sql: string, now: number, broke: boolean): void {
    this.#times.record(durationMs);
    this.slowQueries.record(durationMs, sql);
    if (broke) return;
    this.breaker.succeeded(durationMs, now);
    const sentAt = now - durationMs;
    this.#answeredSince = sentAt;
    if (sentAt < this.#inDoubtSince) return;
    this.#inDoubtSince = Number.POSITIVE_INFINITY;
    this.breaker.acquit();
  }

  /** A statement was stopped whose caller did not wait for its end. */
  statementStopped(durationMs: number, sql: string): void {
    this.slowQueries.record(durationMs, sql);
  }

  /** The server answered a statement with an error. */
  statementFailed({ errno }: ServerError): void {
    this.#errors += 1;
    this.#errorsByErrno.add(String(errno));
  }

  /**
   * A statement has lost its connection, or its time was up while the server had it. One caller's haste, and one connection's end, are no sick
   * server: an answer to a statement that was sent since acquits it. Then the breaker forgets what failed before.
   */
  statementBroke(error: Error, durationMs: number, now: number, how: Breakage): void {
    const sentAt = now - durationMs;
    if (how === 'alone' || (how === 'late' && this.#answeredSince >= sentAt)) {
      this.breaker.failedAlone(durationMs, now);
      return;
    }
    const doubtful = how === 'late' ? sentAt : now;
    this.#inDoubtSince = this.#inDoubtSince === Number.POSITIVE_INFINITY ? doubtful : Math.max(this.#inDoubtSince, doubtful);
    this.breaker.failed(error, durationMs, now);
  }

  /** A connection is gone. */
  connectionLost(connection: WritingConnection): void {
    this.writes?.connectionLost(connection);
  }

  get counts(): StatementCounts {
    return { query: this.#times.summary(), queryErrors: this.#errors, queryErrorsByErrno: this.#errorsByErrno.snapshot() };
  }

  /** How many statements took at most as long as each bound. */
  countsUpTo(boundsMs: readonly number[]): DurationCounts {
    return this.#times.countsUpTo(boundsMs);
  }
}
