import type { CloseRequest, OpenContext, ResourceFactory } from '../engine/index.js';
import type { ConnectionConfig } from './driver.js';
import { isPermanentConnectError, labelOf } from './error-classes.js';
import { cleanSession } from './hygiene.js';
import { ManagedConnection } from './managed-connection.js';
import type { ResolvedOptions } from './options.js';
import { plaintextRefused } from './tls.js';

/** What the factory needs of the pool that its connections belong to. */
export interface ConnectionHost {
  /** The pool object that mysql2's connections refer to. */
  readonly driverPool: { _createConnectionConfig(): ConnectionConfig };
  /** Emits one of mysql2's events; returns whether anybody listens. */
  tell(event: 'connection' | 'acquire' | 'release', connection: ManagedConnection): boolean;
  statementEnded(durationMs: number): void;
  sessionReset(): void;
}

/** Opens, checks, cleans and closes the connections of one pool. */
export class ConnectionFactory implements ResourceFactory<ManagedConnection> {
  /** Connections whose session was set up by listeners, which cannot be asked to do it again. */
  readonly #setUpByListeners = new WeakSet<ManagedConnection>();

  constructor(
    private readonly options: ResolvedOptions,
    private readonly host: ConnectionHost,
  ) {}

  async open({ signal, lost, doom }: OpenContext): Promise<ManagedConnection> {
    const config = this.host.driverPool._createConnectionConfig();
    if (this.options.credentials !== undefined) Object.assign(config, await this.options.credentials());
    signal.throwIfAborted();
    const connection = new ManagedConnection(this.host.driverPool, config, {
      lost,
      statementEnded: (durationMs) => this.host.statementEnded(durationMs),
      classified: (errorClass) => {
        if (errorClass === 'connection-fatal' || errorClass === 'endpoint-poisoned') doom();
      },
    });
    const stop = (): void => connection.terminate();
    signal.addEventListener('abort', stop, { once: true });
    try {
      await this.#handshake(connection);
      await this.#setUp(connection);
      if (this.host.tell('connection', connection)) this.#setUpByListeners.add(connection);
      return connection;
    } catch (error) {
      connection.terminate();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  close(connection: ManagedConnection, { force }: CloseRequest): Promise<void> | undefined {
    if (force) {
      connection.terminate();
      return undefined;
    }
    // Whoever closes the pool waits for this.
    connection.stream.ref?.();
    return connection.quit();
  }

  validate(connection: ManagedConnection): Promise<void> {
    return connection.send((done) => connection.ping(done));
  }

  recycle(connection: ManagedConnection): Promise<void> | undefined {
    return cleanSession(connection, this.options.hygiene, {
      replaceable: () => !this.#setUpByListeners.has(connection),
      replay: () => this.#setUp(connection),
      database: this.options.endpoint.database,
      reset: () => this.host.sessionReset(),
    });
  }

  park(connection: ManagedConnection): void {
    connection.stream.unref?.();
    this.host.tell('release', connection);
  }

  unpark(connection: ManagedConnection): void {
    connection.stream.ref?.();
    this.host.tell('acquire', connection);
  }

  describe(connection: ManagedConnection): string {
    const { runningMs } = connection;
    const doing = runningMs === undefined ? 'no statement running' : `a statement running for ${Math.round(runningMs)} ms`;
    return `connection ${connection.threadId} (${connection.session.inTransaction ? 'in a transaction, ' : ''}${doing})`;
  }

  isPermanent(error: unknown): boolean {
    return isPermanentConnectError(error);
  }

  codeOf(error: unknown): string {
    return labelOf(error);
  }

  #handshake(connection: ManagedConnection): Promise<void> {
    return new Promise((resolve, reject) => {
      connection.connect((error) => {
        if (error === null) resolve();
        else if (error.code === 'HANDSHAKE_NO_SSL_SUPPORT') reject(plaintextRefused(this.options.endpoint.host, error));
        else reject(error);
      });
    });
  }

  /** What every session needs before it is lent: the user's hook. What it does is not a borrower's doing. */
  async #setUp(connection: ManagedConnection): Promise<void> {
    const { onConnect } = this.options;
    if (onConnect === undefined) return;
    await onConnect(connection.promise());
    connection.session.cleaned();
  }
}
