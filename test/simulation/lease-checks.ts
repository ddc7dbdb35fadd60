import type { ResolvedPoolOptions } from '../../src/engine/contract/options.js';
import type { SimulatedLease } from './callers.js';
import type { SimulatedResource } from './simulated-factory.js';

/** Why a resource must not be lent now. */
export function* unfitness(
  resource: SimulatedResource,
  { maxLifetime, validateAfterIdle }: ResolvedPoolOptions,
  now: number,
  suspectSince: number,
): Iterable<string> {
  const { id, doomed, outdated, openedAt, provenAt } = resource;
  if (doomed || outdated) yield `I7: resource ${id} was lent again though it is evicted`;
  if (maxLifetime > 0 && now > openedAt + maxLifetime) yield `resource ${id} was lent after its life`;
  if (now - provenAt > validateAfterIdle) yield `resource ${id} was lent without validation`;
  if (provenAt < suspectSince) yield `I7: resource ${id} was lent though it is suspect`;
}

/** What is wrong with the end of a lease, which its borrower has given back or destroyed. */
export function* wrongEnd({ resource }: SimulatedLease, wasActive: boolean, ended: boolean, poolIsEnding: boolean): Iterable<string> {
  if (ended !== wasActive) yield `a lease of ${resource.id} was active: ${String(wasActive)}, and ended: ${String(ended)}`;
  if (!wasActive && !resource.lost && !poolIsEnding) yield `a lease of ${resource.id} was over before its end`;
}
