import { setTimeout as sleep } from 'node:timers/promises';
import type { Case, Contestant, CreateContestant, Scenario, Surroundings } from '../../scenario.js';
import { quantile } from '../timing.js';
import type { Access } from './messages.js';
import { Platform } from './platform.js';

const INSTANCES = 8;
const CONCURRENCY = 10;
const CALLERS = 60;
const REQUESTS_OF_A_CALLER = 10;
const BURSTS = 3;
/** The server cuts what idles for longer. Managed services do so after minutes; here it is seconds. */
const WAIT_TIMEOUT_S = 4;
/** How often the server is asked for the connections of the account. */
const SAMPLE_MS = 50;

interface ServerlessCase extends Case {
  /** Between two bursts, in milliseconds. */
  readonly pauseMs: number;
}

/** What docs/serverless.md recommends. */
const RECOMMENDED = { connectionLimit: 5, minIdle: 0, idleTimeout: 1_000 } as const;

export const serverless: Scenario<ServerlessCase> = {
  name: 'serverless',
  title: 'Functions that are frozen between requests',
  about: `${INSTANCES} instances at most, each with ${CONCURRENCY} requests at once; ${BURSTS} bursts of ${CALLERS} callers with ${REQUESTS_OF_A_CALLER} requests each, and pauses between them in which idle instances are frozen. How many connections do they hold, how many requests fail, and how long are instances awake?`,
  heldFixed: [
    'This machine imitates the platform. An instance is a process. It gets SIGSTOP when it has answered all its requests and no promise that it gave to `waitUntil` is pending, and SIGCONT with its next request. Requests go to the busiest instance that has room, as on Vercel Fluid. The imitation does not cover virtual machines whose clocks stand still, and instances that end.',
    `A request runs two statements, 5 ms apart. The server closes connections that are idle for ${WAIT_TIMEOUT_S} s (\`wait_timeout\`): managed databases and load balancers do the same after some minutes.`,
    '*Attached*: the pool was given to `attachDatabasePool` of @vercel/functions 3.9.9, which keeps an instance awake after each release until the idle timeout has passed, so that the pool can close idle connections. From mysql2, it accepts only the callback pool, and it assumes an idle timeout of 60 s, no matter what was set.',
    `**poolwright**: \`${JSON.stringify(RECOMMENDED)}\`, attached. Each other row of poolwright changes only what its name says. **mysql2**: \`connectionLimit: 5, maxIdle: 0, idleTimeout: 1000\`. **serverless-mysql**: its defaults, with \`end()\` after each statement, as its manual says: one connection for an instance.`,
    'Time, median, and 99th percentile cover all bursts except the first one, in which instances start. Held: connections on the server at the end of a pause, per instance. Awake: the time that the platform bills, per request.',
  ],
  cases: [
    { name: 'pauses of 2 s', pauseMs: 2_000, quick: true },
    { name: 'pauses of 6 s, longer than wait_timeout', pauseMs: 6_000, rounds: 1 },
  ],
  metrics: {
    failed: { label: 'failed requests', unit: 'count' },
    p99: { label: 'p99', unit: 'ms', compared: true },
    median: { label: 'median', unit: 'ms' },
    peak: { label: 'most connections', unit: 'count' },
    held: { label: 'held while frozen, per instance', unit: 'count' },
    awake: { label: 'awake per request', unit: 'ms' },
  },
  ours: ['poolwright'],
  limits: ['poolwright, not attached', 'poolwright, 20 connections', 'poolwright, 2 connections', 'poolwright, idle 3 s'],
  rounds: 3,
  warmUpRounds: 0,
  freshProcess: true,
  roundLimitMs: 120_000,
  contestants: {
    poolwright: contestant({ pool: 'poolwright', attached: true, options: RECOMMENDED }),
    'poolwright, not attached': contestant({ pool: 'poolwright', attached: false, options: RECOMMENDED }),
    'poolwright, 20 connections': contestant({ pool: 'poolwright', attached: true, options: { ...RECOMMENDED, connectionLimit: 20 } }),
    'poolwright, 2 connections': contestant({ pool: 'poolwright', attached: true, options: { ...RECOMMENDED, connectionLimit: 2 } }),
    'poolwright, idle 3 s': contestant({ pool: 'poolwright', attached: true, options: { ...RECOMMENDED, idleTimeout: 3_000 } }),
    'mysql2, attached': contestant({ pool: 'mysql2', attached: true, options: { connectionLimit: 5, maxIdle: 0, idleTimeout: 1_000 } }),
    mysql2: contestant({ pool: 'mysql2', attached: false, options: { connectionLimit: 5, maxIdle: 0, idleTimeout: 1_000 } }),
    'serverless-mysql': contestant({ pool: 'serverless-mysql', attached: false, options: {} }),
  },
};

function contestant(access: Access): CreateContestant<ServerlessCase> {
  return async (surroundings) => onPlatform(access, surroundings);
}

function onPlatform(access: Access, { database, ask }: Surroundings): Contestant<ServerlessCase> {
  const platform = new Platform({
    access,
    address: database,
    waitTimeoutS: WAIT_TIMEOUT_S,
    mostInstances: INSTANCES,
    concurrency: CONCURRENCY,
  });
  return {
    async run({ pauseMs }, { scale }) {
      const times: number[] = [];
      const held: number[] = [];
      let burst = 0;
      let failed = 0;
      let peak = 0;
      const stop = new AbortController();
      const sampling = (async () => {
        while (!stop.signal.aborted) {
          peak = Math.max(peak, await ask.connections());
          await sleep(SAMPLE_MS);
        }
      })();
      const call = async (): Promise<void> => {
        const startedAt = performance.now();
        try {
          await platform.request();
        } catch {
          failed += 1;
        }
        if (burst > 0) times.push(performance.now() - startedAt);
      };
      const requests = Math.max(1, Math.round(REQUESTS_OF_A_CALLER * scale));
      for (; burst < BURSTS; burst += 1) {
        await Promise.all(
          Array.from({ length: CALLERS }, async () => {
            for (let request = 0; request < requests; request += 1) await call();
          }),
        );
        await sleep(pauseMs);
        held.push((await ask.connections()) / platform.instances);
      }
      stop.abort();
      await sampling;
      return {
        failed,
        p99: quantile(times, 0.99),
        median: quantile(times, 0.5),
        peak,
        held: quantile(held, 0.5),
        awake: platform.awakeMs / (BURSTS * CALLERS * requests),
      };
    },
    close: async () => platform.close(),
  };
}
