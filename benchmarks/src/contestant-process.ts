import { performance } from 'node:perf_hooks';
import type { Contestant } from './scenario.js';
import { scenarioNamed } from './scenarios/index.js';

/** What the parent asks for: one round. */
export interface RoundRequest {
  readonly callers: number;
  readonly operations: number;
}

/** What a round took. */
export interface RoundResult {
  readonly elapsedMs: number;
  /** Processor time of this process, user and system. */
  readonly cpuMs: number;
}

/** Each contestant lives in a process of its own, so that none pays for the garbage or the type feedback of another. */
async function main([scenarioName, contestantName, databaseUrl]: readonly string[]): Promise<void> {
  const scenario = scenarioNamed(scenarioName as string);
  const create = scenario.contestants[contestantName as string];
  if (create === undefined) throw new Error(`There is no contestant ${contestantName} in ${scenarioName}.`);
  const contestant = await create({ databaseUrl: databaseUrl as string });
  process.on('message', (request: RoundRequest | 'close') => {
    if (request === 'close') void close(contestant);
    else void measure(contestant, request);
  });
  process.send?.('ready');
}

async function measure(contestant: Contestant, { callers, operations }: RoundRequest): Promise<void> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await contestant.run(callers, operations);
  const elapsedMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  process.send?.({ elapsedMs, cpuMs: (user + system) / 1000 } satisfies RoundResult);
}

async function close(contestant: Contestant): Promise<void> {
  await contestant.close();
  process.disconnect();
}

await main(process.argv.slice(2));
