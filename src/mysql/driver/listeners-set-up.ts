/** What the listeners of a new connection set up in its session: kept apart from its borrowers' work, and repeated after a reset. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { factsOf, firstWordsOf } from '../../sql/index.js';
import { inThisContext, thisContext } from '../../engine/waiting/index.js';
import { apartFromDriver } from './callers-context.js';
import { type Command, statementTextOf } from './driver.js';

/** A listener that changes the session more often than this does so all the time: then a new connection is the way back. */
const MOST_STEPS = 64;

/** Statements that set a session up, and nothing else: they may be run again in a session that was reset. */
const REPEATABLE: ReadonlySet<string> = new Set(['set', 'use', 'prepare', 'select', 'do', 'create']);

/** A statement of a listener. */
export interface SetUpStep {
  readonly sql: string;
  /** Of a prepared statement. */
  readonly values: unknown;
  readonly method: 'query' | 'execute';
}

/** The work of listeners, wherever it continues: in callbacks, promises and timers. Borrowers' work begins elsewhere. */
const listenersWork = new AsyncLocalStorage<ListenersSetUp | undefined>();

/** Some pool has had listeners. Until then borrowers need not be kept apart from their work. */
let hasListeners = false;

/** Whether this is the work of listeners. */
export function isListenersWork(): boolean {
  return hasListeners && listenersWork.getStore() !== undefined;
}

/** A listener that runs where it was added, but whose work is that of a new connection's listeners where the event says so. */
export function inListenersContext<F extends (...details: never[]) => unknown>(listener: F): F {
  const context = thisContext();
  return function (this: unknown, ...details: never[]): unknown {
    const work = listenersWork.getStore();
    return context.runInAsyncScope(() => listenersWork.run(work, () => Reflect.apply(listener, this, details) as unknown));
  } as F;
}

/** The part of one connection's session that its listeners have set up. */
export class ListenersSetUp {
  readonly #steps: SetUpStep[] = [];
  /** Commands of listeners that have not ended; true of those whose step is noted: a text may have several results. */
  readonly #running = new Map<Command, boolean>();
  #repeatable = true;
  /** A borrower or the pool itself is sending something, in any asynchronous context. */
  #apart = false;

  /** Runs listeners. What they do from now on counts as theirs, even when it comes much later. */
  run<T>(listeners: () => T): T {
    hasListeners = true;
    return listenersWork.run(this, listeners);
  }

  /** Whether a new connection is not the only way to this session. */
  get repeatable(): boolean {
    return this.#repeatable;
  }

  /** In the order in which the server ran them. */
  get steps(): readonly SetUpStep[] {
    return this.#steps;
  }

  /** Sends something that is no listener's doing. */
  apart<T>(send: () => T): T {
    const before = this.#apart;
    this.#apart = true;
    try {
      return send();
    } finally {
      this.#apart = before;
    }
  }

  /** A command is added to the connection. Returns whether it is a listener's. */
  takes(command: Command): boolean {
    if (this.#apart || listenersWork.getStore() !== this) return false;
    this.#running.set(command, false);
    command.once('end', () => this.#running.delete(command));
    if (command.currentConfig !== undefined || command.resetConnectionResponse !== undefined) this.#repeatable = false;
    // What a listener does when it has the answer is its work, too.
    if (command.onResult === undefined) command.emit = inThisContext(command.emit.bind(command));
    else command.onResult = apartFromDriver(command.onResult);
    return true;
  }

  /** Whether a command that is being answered is a listener's. */
  has(command: Command): boolean {
    return this.#running.has(command);
  }

  /**
   * A statement of a listener has succeeded.
   *
   * @param changed the server says that the session has changed
   */
  answered(command: Command, changed: boolean): void {
    const sql = statementTextOf(command);
    if (sql === undefined || this.#running.get(command) !== false || !(changed || factsOf(sql).changesSession)) return;
    this.#running.set(command, true);
    if (this.#steps.length === MOST_STEPS || !isRepeatable(sql)) this.#repeatable = false;
    if (this.#repeatable) this.#steps.push({ sql, values: command.parameters, method: 'parameters' in command ? 'execute' : 'query' });
  }
}

/** Data is not written once more, and a procedure is not called again. */
function isRepeatable(sql: string): boolean {
  return firstWordsOf(sql)?.every((word) => REPEATABLE.has(word)) === true;
}
