import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { accountOf, SMALL_COLUMNS } from '../../data.js';
import type { ConnectionPool, OpenPool } from '../../rivals/lender.js';
import type { Address, Case, Contestant, CreateContestant, Scenario, Surroundings } from '../../scenario.js';
import { warmedConnections } from '../set-up.js';
import { quantile } from '../timing.js';

const SIZE = 20;
const CALLERS = 40;
const TIMEOUT_MS = 1_000;
const CAP_MS = 10_000;
const SQL = `SELECT ${SMALL_COLUMNS} FROM accounts WHERE id = ?`;

/** How long callers wait before they try again while the database is away. */
const RETRY_MS = 20;

/** Smaller differences do not count: the moment of the return is not known that well. */
const AT_ONCE_MS = 1;

/** How often it is looked whether the server accepts connections again. */
const POLL_MS = 2;

/** How long the database stays away after the last caller got its error. */
const AWAY_MS = 500;

interface Outage extends Case {
  readonly how: 'killed' | 'frozen';
}

export const outage: Scenario<Outage> = {
  name: 'outage',
  title: 'The database goes away and comes back',
  about: `${CALLERS} callers run a query while the database is away. How long until they get an error? Then the database accepts connections again, while ${SIZE} callers keep trying. How long until the first caller is served, and until all are?`,
  heldFixed: [
    `${SIZE} connections, all idle when the database goes away. *Killed*: SIGKILL; connection attempts are refused. *Frozen*: SIGSTOP; the server neither answers nor refuses, as with a black hole in the network.`,
    `Every pool is configured to give up after ${TIMEOUT_MS / 1000} s, as far as its options allow: poolwright (acquireTimeout, connectTimeout, timeout of the statement), mysql2 (connectTimeout, timeout of the statement; it has no timeout for waiting), mariadb (acquireTimeout, connectTimeout, socketTimeout; the server would enforce its queryTimeout, but the server is away), knex (acquireConnectionTimeout, connectTimeout, timeout of the statement).`,
    `After a failure, a caller tries again after ${RETRY_MS} ms. The database comes back ${AWAY_MS} ms after the last caller got its error. ${CAP_MS / 1000} s means "not within ${CAP_MS / 1000} s".`,
    `The database is back when the server greets (checked every ${POLL_MS} ms) or is thawed; less than ${AT_ONCE_MS} ms after that counts as ${AT_ONCE_MS} ms. A new process for each round and contestant; no other pool is connected during that time.`,
  ],
  cases: [
    { name: 'killed', how: 'killed', quick: true },
    { name: 'frozen', how: 'frozen' },
  ],
  metrics: {
    told: { label: 'last caller gets its error', unit: 'ms', compared: true, cap: CAP_MS },
    median: { label: 'median caller gets its error', unit: 'ms', cap: CAP_MS },
    first: { label: 'back: first answer', unit: 'ms', compared: true, cap: CAP_MS },
    all: { label: `back: all ${SIZE} callers answered`, unit: 'ms', cap: CAP_MS },
  },
  ours: ['poolwright'],
  limits: [],
  rounds: 3,
  warmUpRounds: 0,
  freshProcess: true,
  roundLimitMs: 4 * CAP_MS,
  contestants: {
    poolwright: contestant(async () => (await import('../../rivals/poolwright.js')).openPoolwright),
    mysql2: contestant(async () => (await import('../../rivals/mysql2.js')).openMysql2),
    mariadb: contestant(async () => (await import('../../rivals/mariadb.js')).openMariadb),
    knex: contestant(async () => (await import('../../rivals/knex.js')).openKnex),
  },
};

function contestant(load: () => Promise<OpenPool>): CreateContestant<Outage> {
  return async (surroundings) => {
    const open = await load();
    const timeouts = { acquireTimeoutMs: TIMEOUT_MS, connectTimeoutMs: TIMEOUT_MS, queryTimeoutMs: TIMEOUT_MS };
    const pool = open({ address: surroundings.database, limit: SIZE, ...timeouts });
    return goingThrough(await warmedConnections(pool, SIZE, surroundings), surroundings);
  };
}

function goingThrough(pool: ConnectionPool, { ask, database }: Surroundings): Contestant<Outage> {
  const query = async (id: number): Promise<void> => {
    const rows = pool.rowsOf(await pool.query(SQL, [id], TIMEOUT_MS));
    if (rows[0]?.['name'] !== accountOf(id)['name']) throw new Error('wrong answer');
  };
  return {
    async run({ how }) {
      await (how === 'killed' ? ask.killDatabase() : ask.freezeDatabase());
      let told: readonly number[];
      try {
        told = await Promise.all(Array.from({ length: CALLERS }, (_, caller) => untilTold(() => query(caller + 1))));
        await sleep(AWAY_MS);
      } catch (error) {
        if (how === 'frozen') await ask.thawDatabase();
        throw error;
      }
      const stop = new AbortController();
      const givenUp = once(stop.signal, 'abort').then(() => undefined);
      const answeredAt: number[] = [];
      const accepting = how === 'killed' ? acceptingAgain(database) : undefined;
      const trying = Array.from({ length: SIZE }, async (_, caller) => {
        await untilAnswered(() => query(caller + 1), givenUp, stop.signal);
        answeredAt.push(performance.now());
      });
      await (how === 'killed' ? ask.startDatabase() : ask.thawDatabase());
      const backAt = (await accepting) ?? performance.now();
      const giveUp = setTimeout(() => stop.abort(), CAP_MS);
      await Promise.all(trying);
      clearTimeout(giveUp);
      const since = (at: number): number => Math.min(Math.max(at - backAt, AT_ONCE_MS), CAP_MS);
      return {
        told: Math.max(...told),
        median: quantile(told, 0.5),
        first: since(Math.min(...answeredAt)),
        all: since(Math.max(...answeredAt)),
      };
    },
    // A pool that hangs is ended with its process.
    close: async () => void (await Promise.race([pool.close(), sleep(1_000)])),
  };
}

/** When the server greets again, as seen from here. */
async function acceptingAgain({ host, port }: Address): Promise<number> {
  for (;;) {
    const socket = connect({ host, port });
    try {
      await once(socket, 'data');
      return performance.now();
    } catch {
      await sleep(POLL_MS);
    } finally {
      socket.destroy();
    }
  }
}

/** Milliseconds until the query fails. */
async function untilTold(query: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  const outcome = await Promise.race([
    query().then(
      () => 'answered' as const,
      () => 'told' as const,
    ),
    sleep(CAP_MS, 'too late' as const, { ref: false }),
  ]);
  if (outcome === 'answered') throw new Error('a database that was away has answered');
  return outcome === 'told' ? performance.now() - startedAt : CAP_MS;
}

/** Tries until it is answered, or until no caller waits for that any more. */
async function untilAnswered(query: () => Promise<void>, givenUp: Promise<void>, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    try {
      return await Promise.race([query(), givenUp]);
    } catch {
      await sleep(RETRY_MS);
    }
  }
}
