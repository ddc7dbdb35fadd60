import { fromTestSupport } from '../../runner/test-support.js';
import type { Contestant, CreateContestant, Scenario } from '../../scenario.js';
import { quantile } from '../timing.js';
import type { Access } from './messages.js';
import { Service } from './service.js';

const PROCESSES = 20;
const BUDGET = 100;
const BUSY = 4;
const BUSY_PER_SECOND = 90;
const QUIET_PER_SECOND = 4;
const MOVES = 2;
const MOVE_MS = 6_000;
/** A new ledger grants nothing for one and a quarter leases. */
const SETTLING_MS = 5_000;
const LEASE_MS = 1_000;
const OVERSUBSCRIBED = 20;

export const fleet: Scenario = {
  name: 'fleet',
  title: 'Many processes, one budget',
  about: `${PROCESSES} processes share a server that allows ${BUDGET} connections; ${BUSY} of them are busy, and the load moves to other processes during the run.`,
  heldFixed: [
    `Each contestant has its own server: \`max_connections\` = ${BUDGET}, and one connection for the observer. Each statement waits 100 ms (\`SLEEP\`): ${BUDGET} connections answer at most ${BUDGET * 10} requests per second.`,
    `Requests arrive at random times, whether or not earlier ones are answered: ${BUSY_PER_SECOND} per second in each busy process, ${QUIET_PER_SECOND} in each other, ${BUSY * BUSY_PER_SECOND + (PROCESSES - BUSY) * QUIET_PER_SECOND} in all; the same for all contestants. ${MOVES} times in a round, for ${MOVE_MS / 1000} s each, the load moves to other processes. A request that waits 3 s for a connection of a pool counts as failed.`,
    `**fleet**: poolwright, \`fleet: { budget: ${BUDGET}, processes: ${PROCESSES}, floor: 2, lease: ${LEASE_MS} }\`, with its ledger in Redis. **equal split**: poolwright, \`connectionLimit: ${BUDGET / PROCESSES}\`. **oversubscription**: poolwright, \`connectionLimit: ${OVERSUBSCRIBED}\`. **serverless-mysql**: its default options, a client for each running request, \`end()\` after each.`,
    'The time of an answer starts when the request arrives. Refused: `Connection_errors_max_connections` of the server; pools and clients may try again. Connections: `Threads_connected` every 10 ms.',
  ],
  cases: [{ name: 'demand moves', quick: true }],
  metrics: {
    p99: { label: '99 % of answers within', unit: 'ms', compared: true },
    median: { label: 'median answer', unit: 'ms' },
    time: { label: 'time per answered request', unit: 'ns', rate: 'answered requests' },
    failed: { label: 'failed requests', unit: 'count' },
    refused: { label: 'connections refused', unit: 'count' },
    peak: { label: 'most connections', unit: 'count' },
  },
  ours: ['fleet'],
  limits: [],
  rounds: 3,
  warmUpRounds: 0,
  roundLimitMs: 90_000,
  contestants: {
    fleet: contestant(undefined),
    'equal split': contestant({ pool: 'poolwright', options: { connectionLimit: BUDGET / PROCESSES } }),
    oversubscription: contestant({ pool: 'poolwright', options: { connectionLimit: OVERSUBSCRIBED } }),
    'serverless-mysql': contestant({ pool: 'serverless-mysql' }),
  },
};

/** @param fixed undefined: a fleet, with its ledger */
function contestant(fixed: Access | undefined): CreateContestant {
  return async (): Promise<Contestant> => {
    const redis = fixed === undefined ? await startRedis() : undefined;
    const access = fixed ?? leasedAccess(redis?.url ?? '');
    const service = await Service.start({ processes: PROCESSES, budget: BUDGET, access });
    const load = { busy: BUSY, busyPerSecond: BUSY_PER_SECOND, quietPerSecond: QUIET_PER_SECOND };
    let settled = false;
    return {
      async run(_setting, { number, scale }) {
        if (!settled) await service.run({ ...load, busy: 0, moves: 1, moveMs: SETTLING_MS, seed: 0 });
        settled = true;
        const startedAt = performance.now();
        const { answers, failed, refused, peak } = await service.run({ ...load, moves: MOVES, moveMs: MOVE_MS * scale, seed: number + 1 });
        const time = ((performance.now() - startedAt) * 1e6) / Math.max(1, answers.length);
        return { p99: quantile(answers, 0.99), median: quantile(answers, 0.5), time, failed, refused, peak };
      },
      async close() {
        await service.close();
        await redis?.stop();
      },
    };
  };
}

function leasedAccess(ledger: string): Access {
  const leased = { name: 'bench', budget: BUDGET, processes: PROCESSES, floor: 2, lease: LEASE_MS, ledger };
  return { pool: 'poolwright', options: { connectionLimit: BUDGET, fleet: leased } };
}

/** A Redis of the test tree. */
interface RedisServer {
  readonly url: string;
  stop(): Promise<void>;
}

async function startRedis(): Promise<RedisServer> {
  const support = await fromTestSupport<{ readonly startRedis: () => Promise<RedisServer> }>('servers/redis-server.ts');
  return await support.startRedis();
}
