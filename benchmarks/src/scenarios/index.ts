import type { Scenario } from '../scenario.js';

/** In the order in which they run. Loaded one at a time: a scenario's process must not carry what another one needs. */
const load: Readonly<Record<string, () => Promise<Scenario>>> = {
  acquire: async () => (await import('./pool/acquire.js')).acquire,
  queue: async () => (await import('./pool/queue.js')).queue,
  query: async () => (await import('./statements/query.js')).query,
  execute: async () => (await import('./statements/query.js')).execute,
  processes: async () => (await import('./processes/processes.js')).processes,
  tracing: async () => (await import('./statements/tracing.js')).tracing,
  headline: async () => (await import('./statements/headline.js')).headline,
  oltp: async () => (await import('./statements/oltp.js')).oltp,
  spike: async () => (await import('./pool/spike.js')).spike,
  startup: async () => (await import('./pool/startup.js')).startup,
  outage: async () => (await import('./faults/outage.js')).outage,
  'many-pools': async () => (await import('./pool/many-pools.js')).manyPools,
  'loop-delay': async () => (await import('./loop-delay.js')).loopDelay,
  'slow-database': async () => (await import('./faults/slow-database.js')).slowDatabase,
  resilience: async () => (await import('./faults/resilience.js')).resilience,
  memory: async () => (await import('./pool/memory.js')).memory,
  monitoring: async () => (await import('./monitoring.js')).monitoring,
  'waiter-memory': async () => (await import('./pool/waiter-memory.js')).waiterMemory,
  sizing: async () => (await import('./pool/sizing.js')).sizing,
  'own-size': async () => (await import('./pool/own-size.js')).ownSize,
  fleet: async () => (await import('./fleet/fleet.js')).fleet,
  cache: async () => (await import('./statements/cache.js')).cache,
  cluster: async () => (await import('./replicated/cluster.js')).cluster,
  'cluster-of-one': async () => (await import('./statements/cluster-of-one.js')).clusterOfOne,
  serverless: async () => (await import('./serverless/serverless.js')).serverless,
  'cache-writes': async () => (await import('./statements/cache-writes.js')).cacheWrites,
};

export const scenarioNames: readonly string[] = Object.keys(load);

export async function scenarioNamed(name: string): Promise<Scenario> {
  const loaded = await load[name]?.();
  if (loaded === undefined) throw new Error(`Unknown scenario ${name}; there are: ${scenarioNames.join(', ')}.`);
  return loaded;
}
