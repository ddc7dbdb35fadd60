/** Poolwright's mysql layer, evaluated again on the mysql2 that an application uses. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { compileFunction } from 'node:vm';
import type { DataLayerPool, DataLayerPoolRequest } from '../mysql/drop-in.js';

type Factory = (...parameters: readonly unknown[]) => unknown;

/** The functions that replace those of mysql2 that make pools, and those that data layers' pools are made of. */
export interface Layer
  extends Readonly<Record<'callback' | 'promise', { readonly createPool: Factory; readonly createPoolCluster: Factory }>> {
  readonly createDataLayerPool: (request: DataLayerPoolRequest) => DataLayerPool;
  readonly connectionForOpening: Factory;
}

/** `src/mysql/drop-in.ts` with everything that it needs except mysql2, in one file of CommonJS. `npm run build` makes it. */
const FILE = fileURLToPath(new URL('layer.cjs', import.meta.url));

/**
 * Evaluates Poolwright's mysql layer again, on a given mysql2: its classes extend those of the copy that the application uses, so that
 * `instanceof` holds, and it works where Poolwright itself was installed without a mysql2.
 *
 * @param mysql2 returns the exports of 'mysql2' and of 'mysql2/promise'
 */
export function bindLayer(mysql2: (name: 'mysql2' | 'mysql2/promise') => unknown): Layer {
  const ownRequire = createRequire(FILE);
  const load = (name: string): unknown => (name === 'mysql2' || name === 'mysql2/promise' ? mysql2(name) : ownRequire(name));
  const module = { exports: {} as Record<string, Factory> };
  const evaluate = compileFunction(readFileSync(FILE, 'utf8'), ['require', 'module', 'exports', '__filename'], {
    filename: FILE,
  }) as Factory;
  evaluate(load, module, module.exports, FILE);
  const { createCallbackPool, createCallbackPoolCluster, createPromisePool, createPromisePoolCluster } = module.exports;
  const { createDataLayerPool, connectionForOpening } = module.exports;
  return {
    callback: { createPool: existing(createCallbackPool), createPoolCluster: existing(createCallbackPoolCluster) },
    promise: { createPool: existing(createPromisePool), createPoolCluster: existing(createPromisePoolCluster) },
    createDataLayerPool: existing(createDataLayerPool) as Layer['createDataLayerPool'],
    connectionForOpening: existing(connectionForOpening),
  };
}

function existing(factory: Factory | undefined): Factory {
  if (factory === undefined) throw new Error(`bug: ${FILE} is not what it should be`);
  return factory;
}
