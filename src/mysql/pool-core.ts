import {
  type DurationCounts,
  type DurationSummary,
  Histogram,
  Pool as Engine,
  type PoolStats as EngineStats,
  type RecordedDuration,
} from '../engine/index.js';
import { CallbackPool } from './callback-pool.js';
import { ConnectionFactory } from './connection-factory.js';
import { type Health, HealthMonitor } from './health.js';
import type { ManagedConnection } from './managed-connection.js';
import type { ResolvedOptions } from './options.js';
import { PooledStatement } from './statement.js';

/** Everything that a pool knows about itself, as a frozen value. Counters only grow. */
export interface PoolStats extends EngineStats {
  /** Time that the server took to answer statements. */
  readonly query: DurationSummary;
}

/** A pool of MySQL connections without a face: the promise pool and the callback pool are two views of one core. */
export class PoolCore {
  readonly engine: Engine<ManagedConnection>;
  /** The view that mysql2's callback users see. */
  readonly callbackPool: CallbackPool;
  readonly #queryTimes = new Histogram();
  readonly #health: HealthMonitor;
  #resets = 0;

  constructor(readonly options: ResolvedOptions) {
    this.callbackPool = new CallbackPool(this);
    const factory = new ConnectionFactory(options, {
      driverPool: this.callbackPool,
      tell: (event, connection) => this.callbackPool.tell(event, connection),
      statementEnded: (durationMs) => this.#queryTimes.record(durationMs),
      sessionReset: () => {
        this.#resets += 1;
      },
    });
    this.engine = new Engine(factory, options.engine);
    this.#health = new HealthMonitor(this.engine, options.health);
  }

  stats(): PoolStats {
    return Object.freeze({ ...this.engine.stats(), resets: this.#resets, query: this.#queryTimes.summary() });
  }

  durationCounts(which: RecordedDuration | 'query', boundsMs: readonly number[]): DurationCounts {
    return which === 'query' ? this.#queryTimes.countsUpTo(boundsMs) : this.engine.durationCounts(which, boundsMs);
  }

  /** @param deep also runs a statement */
  health(deep: boolean): Promise<Health> {
    return this.#health.check(deep ? () => this.#selectOne() : undefined);
  }

  async end(): Promise<void> {
    this.#health.stop();
    await this.engine.close();
  }

  async drain(
    options: Parameters<Engine<ManagedConnection>['drain']>[0],
  ): Promise<Awaited<ReturnType<Engine<ManagedConnection>['drain']>>> {
    const report = await this.engine.drain(options);
    this.#health.stop();
    return report;
  }

  /** Not longer than a validation may take: whoever asks for health must be told while they still listen. */
  async #selectOne(): Promise<void> {
    const timeout = this.options.engine.validationTimeout;
    await new Promise((resolve, reject) => {
      const statement = new PooledStatement('query', 'SELECT 1', undefined, undefined, resolve, reject);
      statement.start(this.engine, { timeout });
    });
  }
}
