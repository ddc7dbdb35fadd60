import type { Scenario } from '../scenario.js';

/** In the order in which they run. Loaded one at a time: a scenario's process must not carry what another one needs. */
const load: Readonly<Record<string, () => Promise<Scenario>>> = {
  acquire: async () => (await import('./acquire.js')).acquire,
  queue: async () => (await import('./queue.js')).queue,
  query: async () => (await import('./query.js')).query,
  execute: async () => (await import('./query.js')).execute,
  headline: async () => (await import('./headline.js')).headline,
  oltp: async () => (await import('./oltp.js')).oltp,
  spike: async () => (await import('./spike.js')).spike,
  startup: async () => (await import('./startup.js')).startup,
  outage: async () => (await import('./outage.js')).outage,
  'many-pools': async () => (await import('./many-pools.js')).manyPools,
  'loop-delay': async () => (await import('./loop-delay.js')).loopDelay,
  'slow-database': async () => (await import('./slow-database.js')).slowDatabase,
  resilience: async () => (await import('./resilience.js')).resilience,
  memory: async () => (await import('./memory.js')).memory,
  monitoring: async () => (await import('./monitoring.js')).monitoring,
  'waiter-memory': async () => (await import('./waiter-memory.js')).waiterMemory,
  sizing: async () => (await import('./sizing.js')).sizing,
  cache: async () => (await import('./cache.js')).cache,
};

export const scenarioNames: readonly string[] = Object.keys(load);

export async function scenarioNamed(name: string): Promise<Scenario> {
  const loaded = await load[name]?.();
  if (loaded === undefined) throw new Error(`Unknown scenario ${name}; there are: ${scenarioNames.join(', ')}.`);
  return loaded;
}
