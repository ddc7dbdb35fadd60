/** One process of a service: requests arrive at random, each asks the database once. */

import { performance } from 'node:perf_hooks';
import { seededRandom } from '../../runner/shuffle.js';
import type { FromMember, Setup, ToMember } from './messages.js';

/** What a statement takes at the server, in seconds. */
const SQL = 'SELECT SLEEP(0.1)';
/** A request that waits for a connection for so long has failed. */
const PATIENCE_MS = 3_000;

let query: () => Promise<unknown> = () => Promise.reject(new Error('bug: not set up'));
let answers: number[] = [];
let failed = 0;
let underWay = 0;
let arrivals: NodeJS.Timeout | undefined;
let idle: (() => void) | undefined;

function tell(message: FromMember): void {
  process.send?.(message);
}

async function open({ address, access }: Setup): Promise<() => Promise<unknown>> {
  const { host, port, user, password, database } = address;
  const target = { host, port, user, password, database };
  if (access.pool === 'poolwright') {
    const { createPool } = await import('poolwright');
    const pool = createPool({ ...target, ssl: false, minIdle: 0, acquireTimeout: PATIENCE_MS, ...access.options });
    return () => pool.query(SQL);
  }
  const { default: serverlessMysql } = await import('serverless-mysql');
  type Client = ReturnType<typeof serverlessMysql>;
  const resting: Client[] = [];
  return async () => {
    const client = resting.pop() ?? serverlessMysql({ config: { ...target, ssl: undefined } } as never);
    try {
      await client.query(SQL);
      await client.end();
    } finally {
      resting.push(client);
    }
  };
}

async function request(): Promise<void> {
  underWay += 1;
  const arrivedAt = performance.now();
  try {
    await query();
    answers.push(performance.now() - arrivedAt);
  } catch {
    failed += 1;
  }
  underWay -= 1;
  if (underWay === 0) idle?.();
}

/** Requests arrive as they do from many independent callers: the times between them are exponential. */
function arrive(perSecond: number, random: () => number): void {
  clearTimeout(arrivals);
  const startedAt = performance.now();
  let due = 0;
  const next = (): void => {
    due += (-Math.log(1 - random()) * 1_000) / perSecond;
    arrivals = setTimeout(
      () => {
        void request();
        next();
      },
      Math.max(0, startedAt + due - performance.now()),
    );
  };
  if (perSecond > 0) next();
}

async function told(): Promise<void> {
  clearTimeout(arrivals);
  if (underWay > 0) await new Promise<void>((resolve) => (idle = resolve));
  idle = undefined;
  tell({ kind: 'told', answers, failed });
  answers = [];
  failed = 0;
}

process.on('message', (message: ToMember) => {
  if (message.kind === 'demand') arrive(message.perSecond, seededRandom(message.seed));
  else if (message.kind === 'tell') void told();
  else
    void open(message).then((opened) => {
      query = opened;
      tell({ kind: 'ready' });
    });
});
process.once('disconnect', () => process.exit());
