/** The breakers of a pool, for connecting and for statements, and when they refuse callers. */

import { queueMicrotask } from '../../engine/waiting/index.js';
import { isOptionsObject } from '../../engine/contract/index.js';
import { type Pool as Engine, invalid, invalidUnquoted, PoolError, refuseUnknownOptions } from '../../engine/index.js';
import {
  Breaker,
  type BreakerChange,
  type BreakerOptions,
  type BreakerSnapshot,
  resolveBreakerOptions,
  type ResolvedBreakerOptions,
  type Verdict,
} from '../../resilience/breaker/index.js';

/** The breakers of a pool: false = it never opens by itself. */
export interface PoolBreakerOptions {
  /**
   * Opens after failures to connect; looked at while no connection is open. When it tries again is the pool's own to decide, so
   * `shortestOpen`, `longestOpen` and `probes` have no effect. Default: 3 in a row.
   */
  readonly connect?: BreakerOptions | false;
  /** Opens when statements lose their connection or take too long and none is answered since. Default: half of at least 20 within 10 s. */
  readonly statement?: BreakerOptions | false;
}

export interface ResolvedPoolBreakers {
  readonly connect: ResolvedBreakerOptions;
  readonly statement: ResolvedBreakerOptions;
}

const CONNECT_DEFAULTS: BreakerOptions = { consecutiveFailures: 3, failureRate: 0 };
const NEVER: BreakerOptions = { consecutiveFailures: 0, failureRate: 0 };

/** When `connectTimeout` is 0. */
const LONGEST_CONNECT_MS = 60_000;

/** @throws PoolError `POOL_OPTION_INVALID` */
export function resolvePoolBreakers(given: PoolBreakerOptions | false | undefined, connectTimeout: number): ResolvedPoolBreakers {
  const { connect = {}, statement = {} } =
    given === false ? { connect: false as const, statement: false as const } : checked(given === undefined ? {} : given);
  const probeTimeout = Math.min(connectTimeout > 0 ? connectTimeout : LONGEST_CONNECT_MS, LONGEST_CONNECT_MS);
  return Object.freeze({
    connect: resolve('connect', connect, { ...CONNECT_DEFAULTS, probeTimeout }),
    statement: resolve('statement', statement, {}),
  });
}

function checked(given: PoolBreakerOptions): PoolBreakerOptions {
  if (!isOptionsObject(given)) throw invalid('breakers', given, 'false, or an object of breakers');
  refuseUnknownOptions(given, ['connect', 'statement']);
  return given;
}

function resolve(name: string, given: BreakerOptions | false, defaults: BreakerOptions): ResolvedBreakerOptions {
  if (given === false) return resolveBreakerOptions({ ...defaults, ...NEVER });
  if (!isOptionsObject(given)) throw invalidUnquoted(`breakers.${name}`, given, 'false, or an object of options');
  return resolveBreakerOptions({ ...defaults, ...given });
}

/** The breakers of a pool at one moment. */
export interface BreakerSnapshots {
  readonly connect: BreakerSnapshot;
  readonly statement: BreakerSnapshot;
  /** Where the pool has a cache with Redis. */
  readonly cache?: BreakerSnapshot;
}

/**
 * The breakers of a pool by their names, which never change, for a look at them and for what is done manually: `open()`, `close()`,
 * `isolate()`.
 */
export interface BreakersByName {
  /** Opens after failures to connect. Open connections are still lent. */
  readonly connect: Breaker;
  /** Opens when statements lose their connection or take too long. */
  readonly statement: Breaker;
  /** The one around the Redis of the pool's cache, where there is one. It refuses no caller of the database. */
  readonly cache?: Breaker;
}

/** What the breakers need of the pool. */
export type GuardedEngine = Pick<Engine<unknown>, 'state' | 'usable' | 'summary' | 'refuseWaiting'>;

/**
 * The two breakers of a pool. The one for connecting adds to the engine's own patience after failures, which decides when to try again, that
 * callers are refused at once meanwhile; the one for statements sees what becomes of every statement of a borrower.
 */
export class PoolBreakers {
  readonly connect: Breaker;
  readonly statement: Breaker;
  /** Whether an idle connection may be lent without asking. */
  lending = true;

  constructor(
    options: ResolvedPoolBreakers,
    private readonly engine: () => GuardedEngine,
    /** The one around the Redis of the pool's cache: it refuses no caller of the database, and is shown with the others. */
    readonly cache?: Breaker,
  ) {
    this.connect = new Breaker({ name: 'connect', ...options.connect });
    this.statement = new Breaker({ name: 'statement', ...options.statement });
    this.connect.onChange(({ to }) => {
      // After failures the pool itself refuses the waiters, once nothing is left that could serve them.
      if (to === 'isolated') this.#refuseWaiters(this.connect);
    });
    this.statement.onChange(({ to }) => {
      // As it is now: another listener may have changed it again.
      this.lending = this.statement.closed;
      if (to === 'open' || to === 'isolated') this.#refuseWaiters(this.statement);
    });
  }

  onChange(listener: (change: BreakerChange) => void): () => void {
    const stops = [this.connect, this.statement, this.cache].map((breaker) => breaker?.onChange(listener));
    return () => stops.forEach((stop) => stop?.());
  }

  snapshots(): BreakerSnapshots {
    const { connect, statement, cache } = this;
    return Object.freeze({
      connect: connect.snapshot(),
      statement: statement.snapshot(),
      ...(cache === undefined ? {} : { cache: cache.snapshot() }),
    });
  }

  /** Why an acquire is not taken now, if it is not. */
  refusal(): PoolError | undefined {
    if (this.connect.closed && this.statement.closed) return undefined;
    const engine = this.engine();
    // A pool that is suspended or ends refuses by itself.
    if (engine.state !== 'running') return undefined;
    const pool = (): { pool: ReturnType<GuardedEngine['summary']> } => ({ pool: engine.summary() });
    const unreachable = engine.usable === 0 && !this.#mayBeReached(engine);
    const refusal = unreachable ? this.connect.refusal(pool) : undefined;
    if (refusal !== undefined) return refusal;
    const other = this.statement.refusal(pool);
    // It was to be a probe of connecting, and is none now.
    if (other !== undefined && unreachable) this.connect.gaveUp();
    return other;
  }

  /**
   * A connection is about to be opened.
   *
   * @throws PoolError `POOL_BREAKER_OPEN` while the breaker is held open manually
   */
  connecting(): void {
    if (this.connect.state === 'isolated') throw this.connect.openError();
    this.connect.probing();
  }

  connected(openMs: number): void {
    const wasClosed = this.connect.closed;
    this.connect.succeeded(wasClosed ? openMs : 0);
    // One success says it all: the server is there.
    if (!wasClosed && this.connect.state !== 'isolated') this.connect.close();
  }

  /** What has failed says nothing about the server to which the pool leads from now on. What was opened manually stays open. */
  forget(): void {
    for (const breaker of [this.connect, this.statement]) {
      if (!breaker.closed && breaker.state !== 'isolated') breaker.close();
    }
  }

  /** @param verdict what it says about the server: `answered`: it was there, and refused */
  connectFailed(error: unknown, verdict: Verdict, retryInMs: number): void {
    // Our own refusal, of `connecting()`.
    if (PoolError.is(error) && error.code === 'POOL_BREAKER_OPEN') return;
    if (verdict === 'answered') this.connected(0);
    else if (verdict === 'nothing') this.connect.gaveUp();
    else this.connect.failed(error, 0, undefined, retryInMs);
  }

  /** Others of the moment at which it opened are under way still: they may do better than those that failed. */
  #mayBeReached(engine: GuardedEngine): boolean {
    return this.connect.state === 'open' && engine.summary().opening > 0;
  }

  /** Later: in the middle of a transition, the pool may be about to refuse the waiters itself, and more exactly. */
  #refuseWaiters(breaker: Breaker): void {
    queueMicrotask(() => {
      const engine = this.engine();
      if (breaker.closed || engine.state !== 'running' || (breaker === this.connect && engine.usable > 0)) return;
      engine.refuseWaiting((pool) => breaker.openError(() => ({ pool })));
    });
  }
}
