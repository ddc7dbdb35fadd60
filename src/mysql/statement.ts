import { type AcquireOptions, type Lease, type Pool as Engine, type PoolError, Waiter } from '../engine/index.js';
import type { FieldPacket, QueryOptions, QueryValues } from './driver.js';
import type { ManagedConnection } from './managed-connection.js';

/** What a statement resolves to, as mysql2/promise has it. */
export type StatementResult = [rows: unknown, fields: FieldPacket[]];

type StartStatement = (sql: unknown, ...rest: unknown[]) => unknown;

/** What a pool's `query` and `execute` take beside mysql2's own options. */
export interface StatementOptions extends QueryOptions {
  /** Gives up when it aborts. */
  readonly signal?: AbortSignal;
}

/**
 * One statement on whichever connection comes free first. It waits in the pool's queue itself, so that there is one promise per statement
 * and no callback or event in between.
 */
export class PooledStatement extends Waiter<ManagedConnection> {
  #lease: Lease<ManagedConnection> | undefined = undefined;

  constructor(
    private readonly method: 'query' | 'execute',
    private readonly sql: string | QueryOptions,
    private readonly values: QueryValues | undefined,
    private readonly callSite: { readonly stack?: string } | undefined,
    private readonly resolve: (result: StatementResult) => void,
    private readonly reject: (error: unknown) => void,
  ) {
    super();
  }

  start(engine: Engine<ManagedConnection>, options: AcquireOptions | undefined): void {
    const lease = options === undefined ? engine.tryAcquire() : undefined;
    if (lease === undefined) engine.enqueue(this, options);
    else this.granted(lease);
  }

  override granted(lease: Lease<ManagedConnection>): void {
    this.#lease = lease;
    const connection = lease.resource;
    const done = (error: Error | null, rows?: unknown, fields?: unknown): void => this.#done(error, rows, fields as FieldPacket[]);
    try {
      if (this.values === undefined) (connection[this.method] as StartStatement).call(connection, this.sql, done);
      else (connection[this.method] as StartStatement).call(connection, this.sql, this.values, done);
    } catch (error) {
      lease.release();
      this.reject(error);
    }
  }

  override refused(error: PoolError): void {
    this.#fail(error);
  }

  #done(error: Error | null, rows: unknown, fields: FieldPacket[]): void {
    const lease = this.#lease as Lease<ManagedConnection>;
    if (error === null) {
      lease.release();
      this.resolve([rows, fields]);
    } else {
      // mysql2 tells of an error before it has taken the command off the connection.
      process.nextTick(release, lease);
      this.#fail(error);
    }
  }

  #fail(error: Error): void {
    const stack = this.callSite?.stack;
    if (stack !== undefined) error.stack = `${error.name}: ${error.message}${stack.slice(stack.indexOf('\n'))}`;
    this.reject(error);
  }
}

function release(lease: Lease<ManagedConnection>): void {
  lease.release();
}
