/** Sequelize 7: the pools of each Sequelize are replaced by managed ones when it is made. */
import type { DataLayerCopy } from '../pool-maker.js';
import { PoolReplacer, type PoolSettings } from './managed.js';
import type { SequelizePool } from './sequelize-pool.js';

type Place = Readonly<Record<string, unknown>>;

/** Sequelize, as far as it is built on. */
interface Sequelize {
  readonly dialect: { readonly name: string; readonly options: { readonly mysql2Module?: unknown }; readonly connectionManager: object };
  readonly options: { readonly replication: { readonly read: readonly Place[]; readonly write: Place } };
  readonly rawOptions?: { readonly pool?: PoolSettings };
  readonly pool: { read: SequelizePool | null; write: SequelizePool };
  isClosed(): boolean;
}

interface SequelizeModule {
  readonly Sequelize: { readonly hooks: { runSync: (this: unknown, event: string, ...details: unknown[]) => void } };
}

/** The file of the dialect that makes connections. */
const DIALECT_FILE = /[\\/]lib[\\/]connection-manager\.js$/;

interface DialectModule {
  readonly MySqlConnectionManager?: unknown;
}

/** Replaces the pools of those Sequelizes that use a mysql2 that Poolwright manages. */
export function replaceSequelize7Pools({ Sequelize }: SequelizeModule, copy: DataLayerCopy): void {
  const replacer = new PoolReplacer(copy, 'Pool acquire operation timeout');
  const replace = (sequelize: Sequelize): void => {
    if (sequelize.dialect.name !== 'mysql') return;
    const make = copy.makerFor(driverOf(sequelize, copy));
    if (make === undefined) return;
    const { pool, options } = sequelize;
    const { read, write } = options.replication;
    const common = { settings: sequelize.rawOptions?.pool ?? {}, isClosed: () => sequelize.isClosed() };
    if (pool.read !== null) pool.read = replacer.replacementFor({ ...common, pool: pool.read, place: read[0], isOfReplicas: true }, make);
    pool.write = replacer.replacementFor({ ...common, pool: pool.write, place: write, isOfReplicas: false }, make);
  };
  const { hooks } = Sequelize;
  const { runSync: original } = hooks;
  // Not as a listener: the application may count them, and take all of them away.
  hooks.runSync = function runSync(event, ...details) {
    if (event === 'afterInit') replace(details[0] as Sequelize);
    Reflect.apply(original, this, [event, ...details]);
  };
}

/** Its dialect is a package of its own, which may have a mysql2 of its own. */
function driverOf({ dialect }: Sequelize, copy: DataLayerCopy): unknown {
  const { mysql2Module } = dialect.options;
  if (mysql2Module !== undefined) return mysql2Module;
  const isIts = (exports: unknown): boolean => (exports as DialectModule).MySqlConnectionManager === dialect.connectionManager.constructor;
  return copy.requireBeside(DIALECT_FILE, isIts)?.('mysql2');
}
