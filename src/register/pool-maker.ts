/** What the register hook gives to a data layer's adapter: where its driver comes from, and pools on that driver. */
import type { DataLayerPool, DataLayerPoolRequest } from '../mysql/drop-in.js';

/** Makes managed pools on one copy of mysql2; nothing when Poolwright cannot build on that copy. */
export type PoolMaker = (request: DataLayerPoolRequest) => DataLayerPool | undefined;

/** One copy of a data layer that an application has loaded. */
export interface DataLayerCopy {
  /** What is replaced, in words: `knex 3.3.0`. */
  readonly name: string;
  readonly version: string;
  /** Loads a package as that copy does. */
  readonly require: (name: string) => unknown;
  /** The `require` of a file that is loaded and exports what is wanted. */
  requireBeside(file: RegExp, isIt: (exports: unknown) => boolean): ((name: string) => unknown) | undefined;
  /** Pools on the mysql2 that a driver is; nothing for every other driver. */
  makerFor(driver: unknown): PoolMaker | undefined;
  /** Says once that its pools are replaced. */
  replaced(): void;
  /** Says that a pool of it stays as it was. */
  left(why: string): void;
}

/** Settings of mysql2's that say where a connection leads, without secrets. */
export function placeIn(settings: unknown): Readonly<Record<string, unknown>> {
  const { host, port, socketPath, database, user } = (settings ?? {}) as Readonly<Record<string, unknown>>;
  return { host, port, socketPath, database, user };
}

/** Parts values that an application has set from those that its data layer takes by default. */
export function partSettings(
  values: Readonly<Record<string, unknown>>,
  isSet: (name: string) => boolean,
): { readonly asked: Record<string, unknown>; readonly defaults: Record<string, unknown> } {
  const entries = Object.entries(values);
  return {
    asked: Object.fromEntries(entries.filter(([name]) => isSet(name))),
    defaults: Object.fromEntries(entries.filter(([name]) => !isSet(name))),
  };
}
