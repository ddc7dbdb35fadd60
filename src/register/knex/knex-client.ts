/** Knex: the pool that its clients make is replaced by a managed one. */
import { type DataLayerCopy, partSettings, placeIn, type PoolMaker } from '../pool-maker.js';
import { managedTarnPool, type TarnOpener, type TarnPool, type TarnPoolClass } from './tarn-pool.js';

/** Knex's client, as far as it is built on. */
interface Client {
  pool?: TarnPool | undefined;
  readonly driver?: unknown;
  readonly config: { readonly pool?: Readonly<Record<string, unknown>>; readonly acquireConnectionTimeout?: unknown };
  /** Nothing where the application's function answers it. */
  readonly connectionSettings?: unknown;
}

interface ClientClass {
  readonly prototype: { initializePool: (this: Client, ...parameters: unknown[]) => void };
}

interface Tarn {
  readonly Pool: new (options: object) => TarnPool;
  readonly TimeoutError: new (message: string) => Error;
}

/** Which option of Knex's an option of ours comes from. */
const SAID_BY: Readonly<Record<string, string>> = {
  connectionLimit: 'max',
  acquireTimeout: 'acquireTimeoutMillis',
  idleTimeout: 'idleTimeoutMillis',
  connectTimeout: 'createTimeoutMillis',
};

/** Replaces the pools of all clients of one copy of Knex that use a mysql2 that Poolwright manages. Its other clients stay as they are. */
export function replaceKnexPools(Client: ClientClass, copy: DataLayerCopy): void {
  const { prototype } = Client;
  const { initializePool: original } = prototype;
  const classes = new Map<unknown, ReturnType<typeof managedTarnPool>>();
  prototype.initializePool = function initializePool(...parameters) {
    const before = this.pool;
    Reflect.apply(original, this, parameters);
    const { pool } = this;
    const make = copy.makerFor(this.driver);
    const { Pool, TimeoutError } = copy.require('tarn') as Tarn;
    // A pool that the application brings (3.3) is its own.
    if (pool === undefined || pool === before || !(pool instanceof Pool) || make === undefined || isBrought(this, parameters)) return;
    const Base = pool.constructor as TarnPoolClass;
    let Managed = classes.get(Base);
    if (Managed === undefined) {
      Managed = managedTarnPool(Base, TimeoutError);
      classes.set(Base, Managed);
    }
    copy.replaced();
    this.pool = new Managed(
      pool,
      (managed, opener) => make(requestFor(this, parameters, managed, opener)),
      (why) => copy.left(why),
    );
  };
}

function isBrought({ config }: Client, [given]: readonly unknown[]): boolean {
  const { connectionPool } = (given ?? config) as { readonly connectionPool?: unknown };
  return connectionPool !== undefined && connectionPool !== null;
}

function requestFor(
  { config, connectionSettings }: Client,
  [given]: readonly unknown[],
  pool: TarnPool,
  { open, close }: TarnOpener,
): Parameters<PoolMaker>[0] {
  const { pool: said = {}, acquireConnectionTimeout } = (given ?? config) as Client['config'];
  const { max, acquireTimeoutMillis, idleTimeoutMillis, createTimeoutMillis } = pool;
  const limits = {
    connectionLimit: max,
    acquireTimeout: acquireTimeoutMillis,
    idleTimeout: idleTimeoutMillis,
    connectTimeout: createTimeoutMillis,
  };
  const isSet = (name: string): boolean =>
    said[SAID_BY[name] ?? ''] !== undefined || (name === 'acquireTimeout' && acquireConnectionTimeout !== undefined);
  const { asked, defaults } = partSettings(limits, isSet);
  return {
    asked: { ...placeIn(connectionSettings), ...asked },
    defaults: connectionSettings === undefined ? { ...defaults, name: 'knex' } : defaults,
    opener: { open, close, causeOf: (error) => error, patience: pool.propagateCreateError ? 'refused' : 'patient', keptOpen: pool.min },
  };
}
