import type { Lender } from '../../rivals/lender.js';
import type { Case, Contestant, Scenario, Surroundings } from '../../scenario.js';
import { expectConnections } from '../../runner/expect-connections.js';
import { warmed } from '../set-up.js';
import { costOf, turnsOf } from '../timing.js';

const SIZE = 20;

/** Uncounted, before each measurement: entries that idled while others were measured may be validated at their next use. */
const LEAD_IN = 2_000;

interface Callers extends Case {
  readonly callers: number;
  readonly operations: number;
}

export const acquire: Scenario<Callers> = {
  name: 'acquire',
  title: 'Borrowing and giving back',
  about:
    'The time to acquire and release a connection without using it. This is the cost of the pool itself. With more callers than entries, all but 20 callers wait in the queue at any time.',
  heldFixed: [
    `${SIZE} entries, all open before the first round, and kept open. Each caller acquires, releases at once, and starts again.`,
    "poolwright, mysql2 and mariadb lend real connections. tarn, generic-pool, sequelize-pool, pg-pool and poolwright's engine lend plain objects, so they do no work on connections. " +
      'The comparison with `poolwright` favors them. The comparison with `poolwright engine` is like for like.',
    'Counters, histograms, deadlines, leak tracking, and validation after idle time are on wherever they are on by default. ' +
      'By default, mysql2, pg-pool, generic-pool, and `bare` have no deadlines and no statistics, so they do less work.',
    "pg-pool's `min` equals its `max`. Otherwise, it would start a timer at each release.",
    '`bare` is an array and a resolved promise. Its callers never wait: callers beyond the 20 entries get a new object. No pool can be faster.',
  ],
  cases: [
    { name: '1 caller', callers: 1, operations: 100_000, quick: true },
    { name: '20 callers', callers: 20, operations: 100_000 },
    { name: '200 callers', callers: 200, operations: 100_000, quick: true },
    { name: '2 000 callers', callers: 2_000, operations: 100_000 },
    { name: '100 000 callers', callers: 100_000, operations: 100_000, rounds: 3 },
  ],
  metrics: {
    time: { label: 'time', unit: 'ns', compared: true },
    cpu: { label: 'CPU', unit: 'ns', compared: true },
  },
  ours: ['poolwright', 'poolwright engine'],
  limits: ['bare'],
  rounds: 7,
  warmUpRounds: 2,
  steadyMachine: true,
  contestants: {
    poolwright: async (surroundings) => {
      const { openPoolwright } = await import('../../rivals/poolwright.js');
      return await overConnections(openPoolwright({ address: surroundings.database, limit: SIZE }), surroundings);
    },
    'poolwright engine': async () =>
      await overObjects(await (await import('../../rivals/poolwright-engine.js')).openEngine({ size: SIZE })),
    mysql2: async (surroundings) => {
      const { openMysql2 } = await import('../../rivals/mysql2.js');
      return await overConnections(openMysql2({ address: surroundings.database, limit: SIZE }), surroundings);
    },
    mariadb: async (surroundings) => {
      const { openMariadb } = await import('../../rivals/mariadb.js');
      return await overConnections(openMariadb({ address: surroundings.database, limit: SIZE }), surroundings);
    },
    tarn: async () => await overObjects((await import('../../rivals/objects.js')).openTarn({ size: SIZE })),
    'generic-pool': async () => await overObjects((await import('../../rivals/objects.js')).openGenericPool({ size: SIZE })),
    'sequelize-pool': async () => await overObjects((await import('../../rivals/objects.js')).openSequelizePool({ size: SIZE })),
    'pg-pool': async () => await overObjects((await import('../../rivals/objects.js')).openPgPool({ size: SIZE })),
    bare: async () => loop((await import('../../rivals/objects.js')).openBare({ size: SIZE }), false),
  },
};

async function overConnections(lender: Lender, surroundings: Surroundings): Promise<Contestant<Callers>> {
  await warmed(lender, SIZE);
  await expectConnections(surroundings.id, surroundings.ask, SIZE);
  return { ...loop(lender), connections: SIZE };
}

async function overObjects(lender: Lender): Promise<Contestant<Callers>> {
  return loop(await warmed(lender, SIZE));
}

function loop(lender: Lender, waits = true): Contestant<Callers> {
  // The loop is the caller's own: an operation in an async function of its own would add its cost to every contestant's.
  const caller = async (turns: number): Promise<void> => {
    for (let done = 0; done < turns; done += 1) {
      const resource = await lender.acquire();
      if (typeof resource !== 'object' || resource === null) throw new Error(`acquired ${String(resource)}`);
      lender.release(resource);
    }
  };
  const together = (callers: number, turns: number): Promise<unknown> => Promise.all(Array.from({ length: callers }, () => caller(turns)));
  return {
    async run({ callers, operations }, { scale }) {
      // All entries at once, so that each of them was used a moment ago.
      if (waits) await warmed(lender, SIZE);
      await together(SIZE, LEAD_IN / SIZE);
      const each = turnsOf(operations, callers, scale);
      return { ...(await costOf(each * callers, () => together(callers, each))) };
    },
    close: () => lender.close(),
  };
}
