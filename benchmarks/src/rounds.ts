import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RoundRequest, RoundResult } from './contestant-process.js';
import type { Scenario, Surroundings } from './scenario.js';

/** One contestant under one number of callers: a value for each round. */
export interface Measurement {
  readonly contestant: string;
  readonly callers: number;
  /** Wall time per operation. */
  readonly nsPerOperation: readonly number[];
  /** Processor time per operation. */
  readonly cpuNsPerOperation: readonly number[];
}

export interface RoundOptions {
  readonly rounds: number;
  /** Rounds that are run first and not counted. */
  readonly warmUp: number;
  /** Fraction of the scenario's operations in a round. */
  readonly scale: number;
  readonly progress: (text: string) => void;
}

/** Runs a scenario: each round lets every contestant run once, each round in another order, so that drift of the machine hits all alike. */
export async function runScenario(scenario: Scenario, surroundings: Surroundings, options: RoundOptions): Promise<Measurement[]> {
  const names = Object.keys(scenario.contestants);
  const processes = new Map<string, ChildProcess>();
  try {
    for (const name of names) processes.set(name, await startContestant(scenario, name, surroundings));
    const measurements: Measurement[] = [];
    for (const callers of scenario.callers) measurements.push(...(await runRounds(scenario, processes, callers, options)));
    return measurements;
  } finally {
    await Promise.all([...processes.values()].map(stopContestant));
  }
}

async function runRounds(
  scenario: Scenario,
  processes: ReadonlyMap<string, ChildProcess>,
  callers: number,
  { rounds, warmUp, scale, progress }: RoundOptions,
): Promise<Measurement[]> {
  const operations = Math.max(Math.floor(scenario.operations(callers) * scale), callers);
  const done = Math.floor(operations / callers) * callers;
  const results = new Map<string, RoundResult[]>([...processes.keys()].map((name) => [name, []]));
  for (let round = -warmUp; round < rounds; round += 1) {
    progress(`${scenario.name}, ${callers} callers: ${round < 0 ? 'warm-up' : `round ${round + 1} of ${rounds}`}`);
    for (const name of rotated([...processes.keys()], round + warmUp)) {
      const result = await runRound(processes.get(name) as ChildProcess, { callers, operations });
      if (round >= 0) results.get(name)?.push(result);
    }
  }
  return [...results].map(([contestant, all]) => ({
    contestant,
    callers,
    nsPerOperation: all.map((result) => (result.elapsedMs * 1e6) / done),
    cpuNsPerOperation: all.map((result) => (result.cpuMs * 1e6) / done),
  }));
}

async function startContestant(scenario: Scenario, name: string, { databaseUrl }: Surroundings): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('./contestant-process.js', import.meta.url));
  const child = fork(script, [scenario.name, name, databaseUrl]);
  await answerOf(child);
  return child;
}

async function runRound(child: ChildProcess, request: RoundRequest): Promise<RoundResult> {
  child.send(request);
  return (await answerOf(child)) as RoundResult;
}

async function stopContestant(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.send('close');
  await once(child, 'exit');
}

/** The next message. A contestant that dies, because a result was wrong or a query failed, ends the whole run. */
function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => {
      child.off('exit', onExit);
      resolve(message);
    };
    const onExit = (code: number | null): void => {
      child.off('message', onMessage);
      reject(new Error(`Contestant '${child.spawnargs.slice(2, 4).join(' / ')}' failed (exit code ${code}); its error is above.`));
    };
    child.once('message', onMessage);
    child.once('exit', onExit);
  });
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
