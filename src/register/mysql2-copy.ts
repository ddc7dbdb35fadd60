/** One installation of mysql2 whose pools become managed ones. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { bindLayer, type Layer } from './bound-layer.js';
import { failure } from './notice.js';
import type { PoolMaker } from './pool-maker.js';

/** What a CommonJS module exports. */
export type Exports = Record<string, unknown>;

type Form = 'callback' | 'promise';

type Factory = (...parameters: readonly unknown[]) => unknown;

const REPLACED = ['createPool', 'createPoolCluster'] as const;

/** The copy that a driver is, by its exports or by its `createConnection`: applications and bundlers make objects of their own of a module. */
const copies = new WeakMap<object, Mysql2Copy>();

/** Makes pools on the copy of mysql2 that a data layer has as its driver; nothing for every other driver. */
export function makerFor(driver: unknown): PoolMaker | undefined {
  const { createConnection } = (driver ?? {}) as { readonly createConnection?: unknown };
  const copy = [driver, createConnection]
    .flatMap((known) => (known instanceof Object ? [copies.get(known)] : []))
    .find((one) => one !== undefined);
  return copy === undefined ? undefined : (request) => copy.dataLayerPool(request);
}

/** One installation of mysql2 that the application has loaded. */
export class Mysql2Copy {
  /** The modules as they were, for Poolwright to build on. */
  readonly #originals = new Map<Exports, Exports>();
  readonly #require: NodeJS.Require;
  /** `null`: binding it has failed. */
  #layer: Layer | null | undefined = undefined;

  /** @param folder where its package.json is */
  constructor(folder: string) {
    this.#require = createRequire(join(folder, 'package.json'));
  }

  /** Replaces the functions that make pools in one of its two modules. Later calls for the same module do nothing. */
  replaceIn(exports: Exports, form: Form): void {
    if (this.#originals.has(exports)) return;
    const originals = Object.create(exports) as Exports;
    this.#originals.set(exports, originals);
    for (const name of REPLACED) {
      const original = exports[name] as Factory;
      Object.defineProperty(originals, name, { value: original });
      const replacement = {
        [name]: (...parameters: readonly unknown[]): unknown => (this.#boundLayer()?.[form][name] ?? original)(...parameters),
      };
      exports[name] = replacement[name];
    }
    if (form === 'callback') this.#serveOpenings(exports, originals);
  }

  /** @returns nothing when Poolwright cannot build on this copy */
  dataLayerPool(request: Parameters<PoolMaker>[0]): ReturnType<PoolMaker> {
    return this.#boundLayer()?.createDataLayerPool(request);
  }

  /** While a data layer opens a connection for a managed pool, `createConnection` makes one of that pool's. */
  #serveOpenings(exports: Exports, originals: Exports): void {
    const original = exports['createConnection'] as Factory;
    Object.defineProperty(originals, 'createConnection', { value: original });
    const createConnection = (...parameters: readonly unknown[]): unknown =>
      this.#layer?.connectionForOpening(parameters[0]) ?? original(...parameters);
    if (exports['connect'] === original) exports['connect'] = createConnection;
    exports['createConnection'] = createConnection;
    copies.set(exports, this).set(createConnection, this);
  }

  /** The layer is bound with the first pool: a program that makes none does not pay for it. */
  #boundLayer(): Layer | undefined {
    if (this.#layer === undefined) {
      this.#layer = this.#bindLayer();
      if (this.#layer !== null) startConfiguredMonitor(process.env);
    }
    return this.#layer ?? undefined;
  }

  #bindLayer(): Layer | null {
    try {
      return bindLayer((name) => {
        const exports = this.#require(name === 'mysql2' ? './index.js' : './promise.js') as Exports;
        return this.#originals.get(exports) ?? exports;
      });
    } catch (error) {
      failure(`Poolwright does not manage the pools of this mysql2, because it cannot build on it: ${String(error)}`);
      return null;
    }
  }
}

/** Only in the main thread: a worker thread has pools of its own, and there is only one address. */
function startConfiguredMonitor({ POOLWRIGHT_MONITOR: address = '' }: NodeJS.ProcessEnv): void {
  if (address === '' || !isMainThread) return;
  // Loaded on demand: else every process with the flag would pay for it.
  import('./monitor.js').then(
    ({ startMonitor }) => startMonitor(address),
    (error: unknown) => failure(`the monitoring server did not start: ${String(error)}`),
  );
}
