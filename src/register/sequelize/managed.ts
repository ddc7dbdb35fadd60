/** What the pools of Sequelize 6 and 7 have in common: their settings, and how an adapter takes the place of one. */
import { type DataLayerCopy, partSettings, placeIn, type PoolMaker } from '../pool-maker.js';
import { managedSequelizePool, type SequelizeHost, type SequelizePool, type SequelizePoolClass } from './sequelize-pool.js';

/** Sequelize's option `pool`. */
export type PoolSettings = Readonly<Record<string, unknown>>;

/** One pool of a Sequelize. */
export interface SequelizePoolPlace {
  readonly pool: SequelizePool;
  /** As the application has said them. */
  readonly settings: PoolSettings;
  /** Where its connections lead, or the first of them. */
  readonly place: unknown;
  /** Behind the pool's name: of its replicas. */
  readonly isOfReplicas: boolean;
  isClosed(): boolean;
}

const SAID_BY: Readonly<Record<string, string>> = { connectionLimit: 'max', acquireTimeout: 'acquire', idleTimeout: 'idle' };

/** Takes the place of the pools of one copy of Sequelize. */
export class PoolReplacer {
  readonly #copy: DataLayerCopy;
  readonly #timeoutText: string;
  readonly #classes = new Map<SequelizePoolClass, ReturnType<typeof managedSequelizePool>>();

  /** @param timeoutText what its pool says when an acquire took too long */
  constructor(copy: DataLayerCopy, timeoutText: string) {
    this.#copy = copy;
    this.#timeoutText = timeoutText;
  }

  replacementFor(at: SequelizePoolPlace, make: PoolMaker): SequelizePool {
    const Base = at.pool.constructor as SequelizePoolClass;
    let Managed = this.#classes.get(Base);
    if (Managed === undefined) {
      const { TimeoutError } = this.#copy.require('sequelize-pool') as { readonly TimeoutError: new (message: string) => Error };
      Managed = managedSequelizePool({ Base, TimeoutError, timeoutText: this.#timeoutText });
      this.#classes.set(Base, Managed);
    }
    const host: SequelizeHost = {
      make: (pool, { open, close }) =>
        make({ ...limitsOf(at), opener: { open, close, causeOf: driversError, patience: 'refused', keptOpen: pool._factory.min } }),
      left: (why) => this.#copy.left(why),
      isClosed: () => at.isClosed(),
    };
    this.#copy.replaced();
    return new Managed(at.pool, host);
  }
}

function limitsOf({ pool, settings, place, isOfReplicas }: SequelizePoolPlace): Pick<Parameters<PoolMaker>[0], 'asked' | 'defaults'> {
  const { acquireTimeoutMillis, idleTimeoutMillis, _factory } = pool;
  const limits = { connectionLimit: _factory.max, acquireTimeout: acquireTimeoutMillis, idleTimeout: idleTimeoutMillis };
  const { asked, defaults } = partSettings(limits, (name) => settings[SAID_BY[name] ?? ''] !== undefined);
  const where = placeIn(place);
  const name = isOfReplicas ? { name: `replicas of ${String(where['database'])}` } : {};
  // Sequelize bounds the wait for a connection only: an opening may take as long.
  return { asked: { ...where, ...asked }, defaults: { connectTimeout: acquireTimeoutMillis, ...defaults, ...name } };
}

/** Sequelize wraps the driver's errors; 7 warns of who asks for `parent`. */
function driversError(error: unknown): unknown {
  const wrapper = (error ?? {}) as { readonly parent?: unknown; readonly cause?: unknown };
  return wrapper.cause ?? wrapper.parent ?? error;
}
