import { type Arrivals, drawnBurst, drawnStream, spike } from '../../growth/arrivals.js';
import { contenderNames, costOf, HINDSIGHT, outcomeOf } from '../../growth/competition.js';
import { seededRandom } from '../../runner/shuffle.js';
import type { Case, Contestant, CreateContestant, Scenario } from '../../scenario.js';

const DRAWN = 40;

interface Scene extends Case {
  readonly scenes: (random: () => number) => readonly Arrivals[];
}

/** When a pool opens connections, beside the rules of others, in simulated time. */
export const growth: Scenario<Scene> = {
  name: 'growth',
  title: 'When a pool grows',
  about:
    'How many connections a warm pool opens for callers who wait, and what they wait: the engine itself beside the rules of other pools, in simulated time.',
  heldFixed: [
    'Each scene begins with five open connections that have been used as they are in it, and may grow to 50. All rules play the same scenes. Nothing is measured: an opening takes the time that the scene says, however many there are at once, and costs no processor time.',
    `*Bursts*: ${DRAWN} scenes a round, 6 to 200 callers within no time or within the time of an opening, one use each or up to 40; uses of 0.5 to 100 ms with exponential spread, openings of 2 to 300 ms. *Streams*: ${DRAWN} scenes a round, callers with one use each, at first half of what five connections serve, then between a quarter and five times of that.`,
    'Cost is the sum of all waits and, for each connection that was opened, the time of an opening. The figure is the mean over the scenes of its ratio to the cost in hindsight, at least 1 ms.',
    '*mysql2*: a caller who finds none free opens one and waits for it. *tarn and others*: one for each waiter, and the first waiter gets what comes first. *HikariCP*: one after the other while callers wait. *Hindsight*: of eleven numbers, the one that was best when opened at the first wait.',
  ],
  cases: [
    { name: 'short spike: 50 × 1 use of 2 ms', quick: true, scenes: () => [spike(1, 2)] },
    { name: 'long spike: 50 × 10 uses of 20 ms', quick: true, scenes: () => [spike(10, 20)] },
    { name: 'bursts', scenes: (random) => Array.from({ length: DRAWN }, () => drawnBurst(random)) },
    { name: 'streams', scenes: (random) => Array.from({ length: DRAWN }, () => drawnStream(random)) },
  ],
  metrics: {
    length: { label: 'until the last use ends', unit: 'ms' },
    wait: { label: 'mean wait', unit: 'ms', compared: true },
    opened: { label: 'connections opened, a scene', unit: 'count', compared: true },
    cost: { label: 'cost, in % of that in hindsight', unit: 'count', compared: true },
  },
  ours: ['poolwright', 'poolwright, minIdle 5'],
  limits: [HINDSIGHT],
  rounds: 3,
  warmUpRounds: 0,
  roundLimitMs: 300_000,
  contestants: Object.fromEntries(contenderNames.map((name) => [name, contestant(name)])),
};

function contestant(name: string): CreateContestant<Scene> {
  return (): Promise<Contestant<Scene>> =>
    Promise.resolve({
      async run({ scenes }, { number }) {
        const all = scenes(seededRandom(number + 1));
        const sums = { length: 0, wait: 0, uses: 0, opened: 0, cost: 0 };
        for (const [index, scene] of all.entries()) {
          const outcome = await outcomeOf(name, scene, index);
          const best = name === HINDSIGHT ? outcome : await outcomeOf(HINDSIGHT, scene, index);
          sums.length += outcome.lengthMs;
          sums.wait += outcome.waitedMs;
          sums.uses += outcome.uses;
          sums.opened += outcome.opened;
          sums.cost += (100 * Math.max(costOf(outcome, scene), 1)) / Math.max(costOf(best, scene), 1);
        }
        const { length } = all;
        return { length: sums.length / length, wait: sums.wait / sums.uses, opened: sums.opened / length, cost: sums.cost / length };
      },
      close: () => Promise.resolve(),
    });
}
