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
    'How many connections a warm pool opens for waiting callers, and how long the callers wait. The engine itself is compared with the rules of other pools, in simulated time.',
  heldFixed: [
    'Each scene begins with five open connections that have already been used in the same way. The pool may grow to 50. All rules play the same scenes. Nothing is measured: opening a connection takes the time that the scene sets, no matter how many are opened at once, and costs no CPU time.',
    `*Bursts*: ${DRAWN} scenes a round, 6 to 200 callers that arrive at once or within the time of an opening, with one use each or up to 40; uses of 0.5 to 100 ms with exponential spread, openings of 2 to 300 ms. *Streams*: ${DRAWN} scenes a round, callers with one use each, at first at half the rate that five connections can serve, then at a quarter to five times that rate.`,
    'Cost is the sum of all waits and, for each connection that was opened, the time of an opening. The figure is the mean, over the scenes, of the ratio to the cost in hindsight (at least 1 ms).',
    '*mysql2*: a caller that finds no free connection opens one and waits for it. *tarn and others*: open one for each waiter, and the first waiter gets the first free connection. *HikariCP*: opens one after the other while callers wait. *Hindsight*: the best of eleven numbers of connections, all opened at the first wait.',
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
