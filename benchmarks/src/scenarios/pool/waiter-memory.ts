import type { Lender, LenderSettings, OpenPool } from '../../rivals/lender.js';
import type { Contestant, CreateContestant, Scenario } from '../../scenario.js';
import { warmed } from '../set-up.js';
import { liveBytes } from '../timing.js';

const SIZE = 20;
const WAITERS = 20_000;

export const waiterMemory: Scenario = {
  name: 'waiter-memory',
  title: 'Memory of a waiter',
  about: `What each of ${WAITERS} waiters holds in memory while all ${SIZE} entries are lent.`,
  heldFixed: [
    'The growth of the heap and of the buffers outside it since before the first waiter, after a garbage collection. It includes the promise that the caller awaits. A new process for each round and contestant.',
    'poolwright, mysql2 and mariadb lend real connections, the others plain objects. `bare` is a list of the functions that resolve the promises: no deadline, no count.',
  ],
  cases: [{ name: '20 000 waiters', quick: true }],
  metrics: { bytes: { label: 'memory per waiter', unit: 'bytes', compared: true } },
  ours: ['poolwright', 'poolwright engine'],
  limits: ['bare'],
  rounds: 3,
  warmUpRounds: 0,
  freshProcess: true,
  contestants: {
    poolwright: overConnections(async () => (await import('../../rivals/poolwright.js')).openPoolwright),
    'poolwright engine': overObjects(async () => (await import('../../rivals/poolwright-engine.js')).openEngine),
    mysql2: overConnections(async () => (await import('../../rivals/mysql2.js')).openMysql2),
    mariadb: overConnections(async () => (await import('../../rivals/mariadb.js')).openMariadb),
    tarn: overObjects(async () => (await import('../../rivals/objects.js')).openTarn),
    'generic-pool': overObjects(async () => (await import('../../rivals/objects.js')).openGenericPool),
    'sequelize-pool': overObjects(async () => (await import('../../rivals/objects.js')).openSequelizePool),
    'pg-pool': overObjects(async () => (await import('../../rivals/objects.js')).openPgPool),
    bare: async () => {
      const waiting: ((resource: object) => void)[] = [];
      let idle = SIZE;
      return weighing({
        acquire: () => (idle > 0 ? Promise.resolve({ id: (idle -= 1) }) : new Promise((resolve) => waiting.push(resolve))),
        release: (resource) => waiting.pop()?.(resource as object),
        close: () => Promise.resolve(),
      });
    },
  },
};

function overConnections(load: () => Promise<OpenPool>): CreateContestant {
  return async ({ database }) => {
    const open = await load();
    return weighing(await warmed(open({ address: database, limit: SIZE }), SIZE));
  };
}

function overObjects(load: () => Promise<(settings: LenderSettings) => Promise<Lender> | Lender>): CreateContestant {
  return async () => {
    const open = await load();
    return weighing(await warmed(await open({ size: SIZE }), SIZE));
  };
}

function weighing(pool: Lender): Contestant {
  return {
    async run() {
      const held = await Promise.all(Array.from({ length: SIZE }, () => pool.acquire()));
      const waiters: Promise<unknown>[] = Array.from({ length: WAITERS });
      const before = liveBytes();
      for (let waiter = 0; waiter < WAITERS; waiter += 1) waiters[waiter] = pool.acquire();
      const bytes = (liveBytes() - before) / WAITERS;
      for (const resource of held) pool.release(resource);
      let served = 0;
      await Promise.all(
        waiters.map(async (waiter) => {
          pool.release(await waiter);
          served += 1;
        }),
      );
      if (served !== WAITERS) throw new Error(`${served} of ${WAITERS} waiters were served`);
      return { bytes };
    },
    close: () => pool.close(),
  };
}
