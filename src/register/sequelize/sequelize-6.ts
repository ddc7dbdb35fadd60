/** Sequelize 6: the pools that its connection manager makes are replaced by managed ones. */
import type { DataLayerCopy } from '../pool-maker.js';
import { PoolReplacer, type PoolSettings } from './managed.js';
import type { SequelizePool } from './sequelize-pool.js';

/** Where a connection leads, in Sequelize's words. */
type Place = Readonly<Record<string, unknown>>;

interface Config extends Place {
  readonly replication?: { readonly read: readonly Place[]; readonly write: Place } | false | null;
}

/** Sequelize's connection manager, as far as it is built on. */
interface ConnectionManager {
  readonly config: Config;
  readonly dialectName: string;
  readonly sequelize: { readonly options: { readonly pool?: PoolSettings } };
  pool: SequelizePool & { read?: SequelizePool; write?: SequelizePool };
  _loadDialectModule(name: string): unknown;
}

interface ConnectionManagerClass {
  readonly prototype: { initPools: (this: ConnectionManager) => void };
}

/** Replaces the pools of those Sequelizes that use a mysql2 that Poolwright manages. */
export function replaceSequelizePools(exports: ConnectionManagerClass, copy: DataLayerCopy): void {
  const { prototype } = exports;
  const { initPools: original } = prototype;
  const replacer = new PoolReplacer(copy, 'Operation timeout');
  prototype.initPools = function initPools() {
    Reflect.apply(original, this, []);
    const make = this.dialectName === 'mysql' ? copy.makerFor(driverOf(this)) : undefined;
    if (make === undefined) return;
    const settings = this.sequelize.options.pool ?? {};
    const replaced = (pool: SequelizePool, place: Place | undefined, isOfReplicas: boolean): SequelizePool =>
      replacer.replacementFor({ pool, settings, place: driversPlace(place), isOfReplicas, isClosed: () => false }, make);
    const { pool, config } = this;
    const { replication } = config;
    if (replication && pool.read !== undefined && pool.write !== undefined) {
      pool.read = replaced(pool.read, replication.read[0], true);
      pool.write = replaced(pool.write, replication.write, false);
    } else this.pool = replaced(pool, config, false);
  };
}

/** As its constructor will load it in a moment; what is wrong with it, the constructor says. */
function driverOf(manager: ConnectionManager): unknown {
  try {
    return manager._loadDialectModule('mysql2');
  } catch {
    return undefined;
  }
}

function driversPlace(place: Place | undefined): Place {
  const { host, port, username, database, dialectOptions } = place ?? {};
  const { socketPath } = (dialectOptions ?? {}) as Place;
  return { host, port, database, user: username, socketPath };
}
