/** mysql2's pooled connection as something that is lent: who has it, how it is given back, and how it ends. */

import type { Lease } from '../../engine/index.js';
import { inRootContext, inThisContext } from '../../engine/waiting/index.js';
import {
  type Command,
  type ConnectionConfig,
  DriverPoolConnection,
  FirstLogin,
  firstRoom,
  growWithUse,
  ListenersSetUp,
} from '../driver/index.js';
import { connectionLost } from '../commands/index.js';

/** What a connection asks of the pool that lends it. */
export interface ConnectionLender {
  /** The connection has ended or failed: the other side has closed it, or an error made it useless. */
  lost(error: Error): void;
  /** Whether the connection has a borrower now. */
  isLent(): boolean;
}

/** The pool object that mysql2's connections refer to. */
export interface DriverPoolOf {
  readonly _closed: boolean;
}

type BorrowersLease = Pick<Lease<unknown>, 'release' | 'destroy' | 'evict'>;

/** A connection that a pool lends, by lease. */
export abstract class LendableConnection extends DriverPoolConnection {
  /** The lease of a borrower who has this very object, as callers of the callback API do. A lease that is over does nothing. */
  lease: BorrowersLease | undefined;
  /** It goes to a borrower on the next tick: the last one can do nothing to it any more. */
  promised: boolean;
  /** The borrower who has this very object is a listener of new connections at work: what it does now is a borrower's doing. */
  borrowedByListener: boolean;
  /** 'cutting off': what fails now fails by this side's doing, and says nothing about the server. 'cut off': what still arrives is dropped. */
  protected life: 'open' | 'cutting off' | 'cut off';
  readonly login: FirstLogin;
  /** What listeners have set up in its session; undefined when the pool had none. */
  setUpByListeners: ListenersSetUp | undefined;
  readonly #pool: DriverPoolOf;
  readonly #lender: ConnectionLender;
  /** What takes the place of `addCommand` on a connection that is closed. */
  protected readonly refuseCommand: <C extends Command>(command: C) => C;

  constructor(pool: DriverPoolOf, config: ConnectionConfig, lender: ConnectionLender) {
    const { maxPreparedStatements } = config;
    config.maxPreparedStatements = firstRoom(maxPreparedStatements);
    super(pool, { config });
    config.maxPreparedStatements = maxPreparedStatements;
    growWithUse(this._statements, maxPreparedStatements);
    this.lease = undefined;
    this.promised = false;
    this.borrowedByListener = false;
    this.life = 'open';
    this.login = new FirstLogin(config);
    this.setUpByListeners = undefined;
    this.#pool = pool;
    this.#lender = lender;
    this.refuseCommand = (command) => {
      this._addCommandClosedState(command);
      return command;
    };
  }

  /** Its pool was closed, or is being drained. */
  get poolEnded(): boolean {
    return this.#pool._closed;
  }

  /** Whether commands are waiting for an answer. */
  get busy(): boolean {
    return this._command != null || this._commands.length > 0;
  }

  /** The connection works as far as this side knows. */
  get alive(): boolean {
    return this._fatalError === null && this._protocolError === null && this._closing !== true && !this.stream.destroyed;
  }

  /** Gives the connection back to its pool. A second call does nothing. */
  override release(): void {
    if (this._released || this.lease === undefined) return;
    this.#endLending()?.release();
  }

  /** Closes the connection and takes it out of the pool. Does nothing while it is another borrower's. */
  override destroy(): void {
    if (this.#endLending()?.destroy() !== true) this.destroyUnlent();
  }

  /** Closes the connection and takes it out of the pool, unless it has a borrower. */
  destroyUnlent(): void {
    if (this.promised || this.#lender.isLent()) return;
    // In the pool, or in none: the pool must not lend it in the moment before it learns of the end.
    this.#lender.lost(new Error('The connection was destroyed while it was in the pool.'));
    this.terminate();
  }

  /** As mysql2's: gives a connection back, with a warning; with the option `gracefulEnd`, says goodbye and leaves the pool. */
  override end(callback?: (error?: Error) => void): unknown {
    if (!this.config.gracefulEnd) return super.end(callback);
    const lease = this.#endLending();
    if (callback !== undefined) {
      // The caller waits for the goodbye, and the connection has no borrower any more: the process must stay for it.
      this.stream.ref?.();
      this.stream.once(
        'close',
        inThisContext(() => callback()),
      );
    }
    lease?.evict();
    if (lease?.release() !== true && !this.#lender.isLent()) void this.quit();
    return undefined;
  }

  /** Hands the connection to a borrower, who may now release it. */
  lendTo(lease: BorrowersLease): void {
    this.lease = lease;
    this.promised = false;
    this._released = false;
  }

  /** Says goodbye to the server, after what was sent before; resolves when the connection is gone. */
  quit(): Promise<void> {
    return new Promise((resolve) => {
      if (this.stream.destroyed) {
        resolve();
        return;
      }
      this.stream.once('close', resolve);
      if (this.alive) this._realEnd();
      else this.stream.destroy();
    });
  }

  /** Cuts the connection off. All that is under way on it fails. */
  terminate(reason?: Error): void {
    this.life = 'cutting off';
    if (this.busy && this._fatalError === null) this._notifyError(reason ?? connectionLost());
    this.life = 'cut off';
    this._closing = true;
    this.addCommand = this.refuseCommand;
    inRootContext(() => this.stream.destroy());
  }

  /** Sends a command and waits for its answer. */
  send(start: (done: (error: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => this.apart(() => start((error) => (error ? reject(error) : resolve()))));
  }

  /** Sends something that is no listener's doing, wherever it comes from. */
  apart<T>(send: () => T): T {
    return this.setUpByListeners === undefined ? send() : this.setUpByListeners.apart(send);
  }

  /** Calls the listeners of a new connection. What they do with it, now and later, is part of what every borrower finds. */
  setUpBy<T>(listeners: () => T): T {
    this.setUpByListeners ??= new ListenersSetUp();
    return this.setUpByListeners.run(listeners);
  }

  #endLending(): BorrowersLease | undefined {
    const { lease } = this;
    this.lease = undefined;
    this.borrowedByListener = false;
    this._released = true;
    return lease;
  }
}
