/** Stands in for mysql2's createPool and createPoolCluster: the same functions, with managed pools. */

import { keepContextOfListeners } from '../engine/waiting/index.js';
import { connectionForOpening } from './connections/index.js';
import type { Opener } from './contract/index.js';
import { type CallbackPool, type ClusterNamespace, DataLayerPool, guardNamespace, type Pool } from './pools/index.js';
import { makePool } from './create-pool.js';
import { type DriverClusterOptions, DriverPoolCluster, type DriverPromisePool, DriverPromisePoolCluster } from './driver/index.js';
import { type DropInOptions, resolveOptions } from './options/index.js';

/** As mysql2's: a callback pool, which is managed. */
export function createCallbackPool(config: string | DropInOptions): CallbackPool {
  return createManaged(config).pool as unknown as CallbackPool;
}

/** As mysql2/promise's: a promise pool, which is managed. */
export function createPromisePool(config: string | DropInOptions): DriverPromisePool {
  const pool = createManaged(config);
  return typeof config === 'object' && config.Promise ? pool.pool.promise(config.Promise as PromiseConstructor) : pool;
}

/** mysql2's cluster, with managed pools for its nodes. */
export class ManagedPoolCluster extends DriverPoolCluster {
  override of(pattern?: unknown, selector?: unknown): ClusterNamespace {
    return guardNamespace(super.of(pattern, selector));
  }

  /** As mysql2's: `add(options)`, or `add(id, options)`, or `add(id, url)`; an id that is there already is left as it is. */
  override add(idOrConfig: unknown, config?: unknown): void {
    const isNamed = typeof idOrConfig !== 'object';
    if (!isNamed) this._lastId += 1;
    const id = isNamed ? (idOrConfig as string) : `CLUSTER::${this._lastId}`;
    if (this._nodes[id] !== undefined) return;
    const options = resolveOptions({ target: isNamed ? config : idOrConfig } as { target?: string | object }, 'mysql2', process.env);
    // While a node is away, its callers continue to the next one.
    const pool = makePool({ ...options, hasAlternative: true }).pool as unknown as CallbackPool;
    this._nodes[id] = { id, errorCount: 0, pool, _offlineUntil: 0 };
    this._serviceableNodeIds.push(id);
    this._clearFindCaches();
  }
}

keepContextOfListeners(ManagedPoolCluster.prototype);

/** Its promise form. */
class ManagedPromisePoolCluster extends DriverPromisePoolCluster {
  readonly #cluster: ManagedPoolCluster;

  constructor(cluster: ManagedPoolCluster, promise: PromiseConstructor | undefined) {
    super(cluster, promise);
    this.#cluster = cluster;
  }

  /** mysql2 calls the method of its own class, which would add a pool that is not managed. */
  override add(...parameters: unknown[]): void {
    this.#cluster.add(...(parameters as Parameters<ManagedPoolCluster['add']>));
  }
}

keepContextOfListeners(ManagedPromisePoolCluster.prototype);

export function createCallbackPoolCluster(options?: DriverClusterOptions): ManagedPoolCluster {
  return new ManagedPoolCluster(options);
}

export function createPromisePoolCluster(options?: DriverClusterOptions): InstanceType<typeof DriverPromisePoolCluster> {
  const { Promise: promise } = (options ?? {}) as { readonly Promise?: PromiseConstructor };
  return new ManagedPromisePoolCluster(createCallbackPoolCluster(options), promise);
}

/** What a data layer's own pool is replaced by. */
export interface DataLayerPoolRequest {
  /** What the application says: limits, and where the database is. No secrets. */
  readonly asked: object;
  /** What the data layer takes where the application says nothing; the environment overrides it. */
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly opener: Opener;
}

/** A managed pool of connections that a data layer opens with mysql2's `createConnection`, for which {@link connectionForOpening} stands in. */
export function createDataLayerPool({ asked, defaults, opener }: DataLayerPoolRequest): DataLayerPool {
  return new DataLayerPool(makePool({ ...resolveOptions({ target: asked, defaults }, 'mysql2', process.env), opener }));
}

export { connectionForOpening, type DataLayerPool };

function createManaged(config: string | DropInOptions): Pool {
  return makePool(resolveOptions({ target: config }, 'mysql2', process.env));
}
