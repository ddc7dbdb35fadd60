import type { Lender, LenderSettings, OpenPool } from '../../rivals/lender.js';
import { shuffled } from '../../runner/shuffle.js';
import type { Case, Contestant, CreateContestant, Figures, Scenario } from '../../scenario.js';
import { warmed } from '../set-up.js';
import { setTimeout as sleep } from 'node:timers/promises';

const SIZE = 20;

/** Of the pool whose acquires time out. */
const ACQUIRE_TIMEOUT_MS = 300;

/** The processor time of fewer waiters is lost in what a process uses while it waits. */
const FEWEST_TIMED_OUT = 1_000;

interface Waiters extends Case {
  readonly waiters: number;
  /** A round of few waiters is repeated, to be long enough to be measured. */
  readonly repeats: number;
}

/** Opens a pool; without `acquireTimeoutMs` with the pool's default. */
type Open = (settings: LenderSettings) => Promise<Lender> | Lender;

export const queue: Scenario<Waiters> = {
  name: 'queue',
  title: 'Waiting',
  about:
    'What waiting in the queue costs: entering it, being served, giving up, and getting the error at the deadline. ' +
    'If the cost of each waiter grows with the length of the queue, the pool walks the queue.',
  heldFixed: [
    `All ${SIZE} entries are held while the waiters arrive. *Served*: the entries are released, and each waiter releases its entry at once. *Given up*: every waiter gives up, in random order. ` +
      `*Timed out*: a second pool with one entry and an acquire time-out of ${ACQUIRE_TIMEOUT_MS} ms; the CPU time from the first arrival until the last waiter gets its error, minus the CPU time of the idle process over the same period; and how late the last waiter gets its error.`,
    'Each waiter has a deadline where that is the default: poolwright and its engine, mariadb, tarn, sequelize-pool. mysql2, generic-pool and pg-pool have no deadline by default, so they do less work in the first two columns.',
    'What a waiter costs in memory is in `waiter-memory`.',
    'To give up, each waiter of poolwright and its engine has its own AbortSignal, and tarn has `abort`. mysql2, mariadb, generic-pool, sequelize-pool, and pg-pool do not support giving up. mysql2 has no timeout for waiting.',
    'poolwright, mysql2 and mariadb lend real connections, the others plain objects. `bare` is a list of promises, served in order. Its waiters give up by an AbortSignal, too: this shows the lower limit, since Node gives each signal a reason with a stack.',
  ],
  cases: [
    { name: '100 waiters', waiters: 100, repeats: 100, quick: true },
    { name: '1 000 waiters', waiters: 1_000, repeats: 20 },
    { name: '10 000 waiters', waiters: 10_000, repeats: 3, quick: true },
    { name: '100 000 waiters', waiters: 100_000, repeats: 1, rounds: 2 },
  ],
  metrics: {
    served: { label: 'enqueued and served', unit: 'ns', compared: true },
    enqueued: { label: 'of that: enqueued', unit: 'ns' },
    givenUp: { label: 'given up', unit: 'ns', compared: true },
    timedOut: { label: 'enqueued and timed out (CPU)', unit: 'ns', compared: true },
    late: { label: 'last error late by', unit: 'ms' },
  },
  ours: ['poolwright', 'poolwright engine'],
  limits: ['bare'],
  rounds: 3,
  warmUpRounds: 1,
  steadyMachine: true,
  contestants: {
    poolwright: overConnections(async () => (await import('../../rivals/poolwright.js')).openPoolwright, true),
    'poolwright engine': overObjects(async () => (await import('../../rivals/poolwright-engine.js')).openEngine),
    mysql2: overConnections(async () => (await import('../../rivals/mysql2.js')).openMysql2, false),
    mariadb: overConnections(async () => (await import('../../rivals/mariadb.js')).openMariadb, true),
    tarn: overObjects(async () => (await import('../../rivals/objects.js')).openTarn),
    'generic-pool': overObjects(async () => (await import('../../rivals/objects.js')).openGenericPool),
    'sequelize-pool': overObjects(async () => (await import('../../rivals/objects.js')).openSequelizePool),
    'pg-pool': overObjects(async () => (await import('../../rivals/objects.js')).openPgPool),
    bare: async () => contestantOf(listOfPromises(), undefined),
  },
};

function overConnections(load: () => Promise<OpenPool>, timesOut: boolean): CreateContestant<Waiters> {
  return async ({ database }) => {
    const open = await load();
    const pool = await warmed(open({ address: database, limit: SIZE }), SIZE);
    if (!timesOut) return { ...contestantOf(pool, undefined), connections: SIZE };
    const timing = await warmed(open({ address: database, limit: 1, acquireTimeoutMs: ACQUIRE_TIMEOUT_MS }), 1);
    return { ...contestantOf(pool, timing), connections: SIZE + 1 };
  };
}

function overObjects(load: () => Promise<Open>): CreateContestant<Waiters> {
  return async () => {
    const open = await load();
    const timing = await open({ size: 1, acquireTimeoutMs: ACQUIRE_TIMEOUT_MS });
    return contestantOf(await warmed(await open({ size: SIZE }), SIZE), await warmed(timing, 1));
  };
}

function contestantOf(pool: Lender, timing: Lender | undefined): Contestant<Waiters> {
  return {
    async run({ waiters, repeats }, { number, scale }) {
      const times = Math.max(Math.round(repeats * scale), 1);
      const figures: Figures = {
        ...(await serve(pool, waiters, times)),
        ...(pool.acquireCancellable === undefined ? {} : { givenUp: await giveUp(pool, waiters, times, number) }),
        ...(timing === undefined || waiters < FEWEST_TIMED_OUT ? {} : await timeOut(timing, waiters)),
      };
      return figures;
    },
    async close() {
      await pool.close();
      await timing?.close();
    },
  };
}

async function holdAll(pool: Lender): Promise<unknown[]> {
  return await Promise.all(Array.from({ length: SIZE }, () => pool.acquire()));
}

async function serve(pool: Lender, waiters: number, times: number): Promise<{ served: number; enqueued: number }> {
  let enqueuedMs = 0;
  let servedMs = 0;
  for (let time = 0; time < times; time += 1) {
    const held = await holdAll(pool);
    let served = 0;
    const startedAt = performance.now();
    const all: Promise<void>[] = [];
    for (let waiter = 0; waiter < waiters; waiter += 1) {
      all.push(
        pool.acquire().then((resource) => {
          served += 1;
          pool.release(resource);
        }),
      );
    }
    enqueuedMs += performance.now() - startedAt;
    if (served > 0) throw new Error('a waiter was served while everything was held');
    for (const resource of held) pool.release(resource);
    await Promise.all(all);
    servedMs += performance.now() - startedAt;
    if (served !== waiters) throw new Error(`${served} of ${waiters} waiters were served`);
  }
  const operations = waiters * times;
  return { served: (servedMs * 1e6) / operations, enqueued: (enqueuedMs * 1e6) / operations };
}

async function giveUp(pool: Lender, waiters: number, times: number, round: number): Promise<number> {
  let elapsedMs = 0;
  for (let time = 0; time < times; time += 1) {
    const held = await holdAll(pool);
    let refused = 0;
    const pending = Array.from({ length: waiters }, () => {
      const acquiring = (pool as Required<Lender>).acquireCancellable();
      const told = acquiring.promise.then(
        () => undefined,
        () => void (refused += 1),
      );
      return { cancel: () => acquiring.cancel(), told };
    });
    const order = shuffled(pending, round * 1_000 + time);
    const startedAt = performance.now();
    for (const { cancel } of order) cancel();
    await Promise.all(pending.map(({ told }) => told));
    elapsedMs += performance.now() - startedAt;
    if (refused !== waiters) throw new Error(`${refused} of ${waiters} waiters that gave up were answered`);
    for (const resource of held) pool.release(resource);
  }
  return (elapsedMs * 1e6) / (waiters * times);
}

async function timeOut(pool: Lender, waiters: number): Promise<{ timedOut: number; late: number }> {
  const idle = await cpuMsOf(() => sleep(ACQUIRE_TIMEOUT_MS));
  const held = await pool.acquire();
  let refused = 0;
  let late = 0;
  const busy = await cpuMsOf(async () => {
    const all = Array.from({ length: waiters }, () =>
      pool.acquire().then(
        () => undefined,
        () => void (refused += 1),
      ),
    );
    const lastArrivedAt = performance.now();
    await Promise.all(all);
    late = performance.now() - lastArrivedAt - ACQUIRE_TIMEOUT_MS;
  });
  if (refused !== waiters) throw new Error(`${refused} of ${waiters} waiters were refused when their time was up`);
  pool.release(held);
  return { timedOut: (Math.max(busy - idle, 0) * 1e6) / waiters, late };
}

async function cpuMsOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** The least that a queue can be: no pool, no deadline, no count. */
function listOfPromises(): Lender {
  const idle: object[] = Array.from({ length: SIZE }, (_, id) => ({ id }));
  /** Undefined where a waiter has given up. */
  const waiting: (((resource: object) => void) | undefined)[] = [];
  let first = 0;
  return {
    acquire() {
      const resource = idle.pop();
      if (resource !== undefined) return Promise.resolve(resource);
      return new Promise((resolve) => waiting.push(resolve));
    },
    acquireCancellable() {
      const controller = new AbortController();
      const { signal } = controller;
      const promise = new Promise((resolve, reject) => {
        const place = waiting.push(resolve) - 1;
        const leave = (): void => {
          waiting[place] = undefined;
          reject(signal.reason as Error);
        };
        signal.addEventListener('abort', leave, { once: true });
      });
      return { promise, cancel: () => controller.abort() };
    },
    release(resource) {
      while (first < waiting.length) {
        const next = waiting[first];
        waiting[first] = undefined;
        first += 1;
        if (first === waiting.length) waiting.length = first = 0;
        if (next !== undefined) return next(resource as object);
      }
      return idle.push(resource as object);
    },
    close: () => Promise.resolve(),
  };
}
