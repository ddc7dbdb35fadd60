import { createPool } from 'poolwright';
import { Sizer } from 'poolwright/engine';
import { DEFAULT_SIZE, fixedSize, Gradient2, OwnSize, RANGE, Vegas } from '../../own-size/size-rules.js';
import { Simulation, type SizeRule } from '../../own-size/simulation.js';
import { type Scene, scenes } from '../../own-size/workloads.js';
import { seededRandom } from '../../runner/shuffle.js';
import type { Case, Contestant, CreateContestant, Figures, Scenario, Surroundings } from '../../scenario.js';
import { quantile } from '../timing.js';

const CALLERS = 100;
const LARGEST = 50;
/** The fixed sizes beside it: in simulation, and on the real server. */
const FIXED = [1, 2, 5, 8, 12, 20, 32, LARGEST];
const MEASURED = [1, 5, 20, LARGEST];
/** What is measured of a real server begins when the size is found. */
const SETTLING_MS = 6_000;
const MEASURED_MS = 10_000;

interface Work extends Case {
  /** In the simulation. */
  readonly scene?: Scene;
  /** On the real server. */
  readonly sql?: string;
}

export const ownSize: Scenario<Work> = {
  name: 'own-size',
  title: 'A pool finds its own size',
  about:
    "A pool that finds its own size, compared with fixed sizes, and with Netflix's Gradient2 and Vegas as yardsticks: in simulation on five workloads, and on a real server on three.",
  heldFixed: [
    `*Simulated*: five workloads: a server with eight cores, a server that waits 20 ms, one row that all callers change, a mixture with heavy tails, and a change between these every 20 s; 200 callers without a pause; sizes from ${RANGE.min} to ${RANGE.max}, from ${DEFAULT_SIZE} on; the first 5 s after a change do not count. The simulation is deterministic, with one seed for each round.`,
    `*Real*: ${CALLERS} callers without a pause; connectionLimit { min: 1, max: ${LARGEST} } beside ${MEASURED.join(', ')} connections; measured for ${MEASURED_MS / 1000} s, from ${SETTLING_MS / 1000} s on. The other sizes, Gradient2 and Vegas are simulated only.`,
  ],
  cases: [
    ...scenes.map((scene, index) => ({ name: `simulated: ${scene.name}`, scene, ...(index === 2 ? { quick: true as const } : {}) })),
    { name: 'real: processor-bound', rounds: 1, sql: "SELECT BENCHMARK(20000, SHA2('a', 256))" },
    { name: 'real: waiting', rounds: 1, sql: 'SELECT SLEEP(0.02)' },
    { name: 'real: lock-bound', rounds: 1, sql: 'UPDATE own_size SET n = n + 1 WHERE id = 1' },
  ],
  metrics: {
    time: { label: 'time per use', unit: 'ns', rate: 'uses' },
    p99: { label: '99 % of answers within', unit: 'ms' },
    size: { label: 'average size', unit: 'count' },
  },
  ours: ['own size'],
  limits: ['Gradient2', 'Vegas'],
  rounds: 3,
  warmUpRounds: 0,
  roundLimitMs: 90_000,
  contestants: {
    'own size': contestant({ min: 1, max: LARGEST }, () => new OwnSize(new Sizer(RANGE, DEFAULT_SIZE))),
    ...Object.fromEntries(
      FIXED.map((size) => [`${size} connections`, contestant(MEASURED.includes(size) ? size : undefined, () => fixedSize(size))]),
    ),
    Gradient2: contestant(undefined, () => new Gradient2()),
    Vegas: contestant(undefined, () => new Vegas(seededRandom(1))),
  },
};

type ConnectionLimit = number | { readonly min: number; readonly max: number };

function contestant(connectionLimit: ConnectionLimit | undefined, rule: () => SizeRule): CreateContestant<Work> {
  return (surroundings): Promise<Contestant<Work>> =>
    Promise.resolve({
      async run({ scene, sql }, { number, scale }): Promise<Figures> {
        if (scene !== undefined) return simulated(scene, rule(), number);
        if (connectionLimit === undefined || sql === undefined) return {};
        return await real(connectionLimit, sql, surroundings, scale);
      },
      close: () => Promise.resolve(),
    });
}

function simulated(scene: Scene, rule: SizeRule, seed: number): Figures {
  const { rate, p99Ms, averageSize } = new Simulation(scene, rule, seededRandom(seed + 1)).run();
  return { time: 1e9 / rate, p99: p99Ms, size: averageSize };
}

async function real(connectionLimit: ConnectionLimit, sql: string, { database }: Surroundings, scale: number): Promise<Figures> {
  const pool = createPool({ ...database, connectionLimit, ssl: false, minIdle: 0 });
  await pool.query('CREATE TABLE IF NOT EXISTS own_size (id INT PRIMARY KEY, n INT NOT NULL)');
  await pool.query('INSERT IGNORE INTO own_size VALUES (1, 0)');
  const startedAt = performance.now();
  const from = startedAt + SETTLING_MS * scale;
  const until = from + MEASURED_MS * scale;
  const answers: number[] = [];
  const caller = async (): Promise<void> => {
    for (let asked = performance.now(); asked < until; asked = performance.now()) {
      await pool.query(sql);
      if (asked >= from) answers.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  const elapsedMs = performance.now() - from;
  const { limit } = pool.stats();
  await pool.end();
  return { time: (elapsedMs / Math.max(answers.length, 1)) * 1e6, p99: quantile(answers, 0.99), size: limit };
}
