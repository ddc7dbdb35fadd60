import type { Case, Figures, Scenario } from '../scenario.js';
import { MachineSpeed, MOST_REPETITIONS } from '../conditions/calibration.js';
import { coresOf, type DividedCores } from '../conditions/cores.js';
import { ContestantProcess, type Measured, TooSlow } from './contestant-process.js';
import type { Door } from './delayed-door.js';
import { withDifferences } from './differences.js';
import { expectConnections } from './expect-connections.js';
import { shuffled } from './shuffle.js';
import type { Surrounding } from './surrounding.js';

/** One contestant in one case. */
export interface Measurement {
  readonly case: string;
  readonly contestant: string;
  /** What each round has measured, in the order of the rounds; empty when it gave up. */
  readonly rounds: readonly Figures[];
  /** Why there is nothing: it took longer than a run waits. */
  readonly gaveUp?: string;
}

export interface RunOptions {
  /** The binary of Node that contestants run on. */
  readonly binary: string;
  /** The cores of contestants and server, in scenarios with `ownCores`. */
  readonly divided: DividedCores | undefined;
  /** Default: the scenario's. */
  readonly rounds: number | undefined;
  /** Fraction of the usual amount of work in a round. */
  readonly scale: number;
  /** Only the cases of the short form. */
  readonly quick: boolean;
  /** Only cases whose name contains this. */
  readonly caseFilter: string;
  readonly progress: (text: string) => void;
  readonly log: (text: string) => void;
}

/** V8 needs some ten thousand operations to optimize them: the first case of a scenario warms up so many times as long. */
const FIRST_WARM_UP = 3;

const ROUND_LIMIT_MS = 20_000;

/**
 * Runs a scenario: in each round every contestant runs once, in an order that is drawn again for each round, so that what happens to the
 * machine meanwhile hits all alike and none always comes after the same other one.
 *
 * @throws Error when a contestant failed, got a wrong result, or has another number of connections than it should
 */
export async function runScenario(scenario: Scenario, database: Surrounding, options: RunOptions): Promise<Measurement[]> {
  await using run = new ScenarioRun(scenario, database, options);
  return await run.all();
}

class ScenarioRun implements AsyncDisposable {
  readonly #processes = new Map<string, ContestantProcess>();
  readonly #speed = new MachineSpeed();
  #door: Door | undefined = undefined;
  /** Of the case that runs. */
  #cores: DividedCores | undefined = undefined;

  constructor(
    private readonly scenario: Scenario,
    private readonly database: Surrounding,
    private readonly options: RunOptions,
  ) {}

  async all(): Promise<Measurement[]> {
    const { scenario, database } = this;
    if (scenario.connectDelayMs !== undefined) this.#door = await database.openDoor(scenario.connectDelayMs);
    const measurements: Measurement[] = [];
    for (const [index, setting] of scenario.cases.entries()) {
      if ((this.options.quick && setting.quick !== true) || !setting.name.includes(this.options.caseFilter)) continue;
      measurements.push(...(await this.#runCase(index, setting)));
    }
    return measurements;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#processes.values()].map((process) => process.close()));
    await this.#door?.[Symbol.asyncDispose]();
  }

  async #runCase(index: number, { name, rounds: ownRounds, writes }: Case): Promise<Measurement[]> {
    const { scenario, options } = this;
    if (options.divided !== undefined) this.#useCores(writes === true ? undefined : options.divided);
    const rounds = options.rounds ?? ownRounds ?? scenario.rounds;
    const startedAt = performance.now();
    const warmUp = options.quick ? 1 : scenario.warmUpRounds * (this.#processes.size === 0 && !scenario.freshProcess ? FIRST_WARM_UP : 1);
    const figures = new Map<string, Figures[]>(Object.keys(scenario.contestants).map((contestant) => [contestant, []]));
    const gaveUp = new Map<string, string>();
    for (let number = -warmUp; number < rounds; number += 1) {
      options.progress(`${scenario.name}, ${name}: ${number < 0 ? 'warm-up' : `round ${number + 1} of ${rounds}`}`);
      for (const contestant of shuffled([...figures.keys()], index * 1_000 + number + warmUp)) {
        if (gaveUp.has(contestant)) continue;
        try {
          const found = await this.#runSteadyRound(contestant, index, number);
          if (number >= 0) figures.get(contestant)?.push(found);
        } catch (error) {
          // Its figures of other cases stand. That it does not get through this one is a result; of ours, it is a failure.
          if (!(error instanceof TooSlow) || scenario.ours.includes(contestant)) throw error;
          gaveUp.set(contestant, `not done after ${error.limitMs / 1000} s`);
          this.#processes.delete(contestant);
        }
      }
    }
    for (const { contestant, connections } of this.#processes.values()) {
      if (connections !== undefined) await expectConnections(contestant, this.database.questionsOf(contestant), connections);
    }
    options.log(`${scenario.name}, ${name}: ${rounds} rounds in ${Math.round((performance.now() - startedAt) / 1000)} s`);
    return [...withDifferences(figures, scenario)].map(([contestant, found]) => {
      const reason = gaveUp.get(contestant);
      return reason === undefined ? { case: name, contestant, rounds: found } : { case: name, contestant, rounds: [], gaveUp: reason };
    });
  }

  #useCores(divided: DividedCores | undefined): void {
    this.#cores = divided;
    this.database.useCores?.(divided?.server ?? coresOf('self').join(','));
  }

  /** The round, or the first repetition of it that the machine did not slow down; the last one counts in any case. */
  async #runSteadyRound(contestant: string, index: number, number: number): Promise<Figures> {
    for (let repetition = 0; ; repetition += 1) {
      const { figures, fixedWorkMs } = await this.#runRound(contestant, index, number);
      if (fixedWorkMs === undefined || !this.#speed.isSlow(fixedWorkMs) || repetition === MOST_REPETITIONS) return figures;
      this.options.log(
        `${this.scenario.name}: ${contestant} runs again; the machine was slow (fixed work took ${fixedWorkMs.toFixed(1)} ms)`,
      );
    }
  }

  async #runRound(contestant: string, index: number, number: number): Promise<Measured> {
    const { scenario, options } = this;
    const limitMs = scenario.roundLimitMs ?? ROUND_LIMIT_MS;
    const process = await this.#processOf(contestant);
    try {
      return await process.run(index, { number, scale: options.scale }, limitMs);
    } finally {
      if (scenario.freshProcess) {
        this.#processes.delete(contestant);
        await process.close();
      }
    }
  }

  async #processOf(contestant: string): Promise<ContestantProcess> {
    const running = this.#processes.get(contestant);
    if (running !== undefined) return running;
    const surroundings = await this.database.surroundingsFor(contestant, this.#door);
    const process = await ContestantProcess.start(this.scenario.name, contestant, surroundings, this.database.questionsOf(contestant), {
      binary: this.options.binary,
      cores: this.#cores?.contestants,
    });
    this.#processes.set(contestant, process);
    return process;
  }
}
