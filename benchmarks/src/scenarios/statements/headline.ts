import { accountOf, SMALL_COLUMNS } from '../../data.js';
import type { OpenPool, Row } from '../../rivals/lender.js';
import type { Address, Case, Contestant, CreateContestant, Scenario, Surroundings } from '../../scenario.js';
import { warmedConnections } from '../set-up.js';
import { inParallel, quantile } from '../timing.js';

const SIZE = 20;
/** Queries before the first burst. */
const LEAD_IN = 6_000;

const SQL = `SELECT ${SMALL_COLUMNS} FROM accounts WHERE id = ?`;

interface Burst extends Case {
  readonly queries: number;
  readonly warm: boolean;
  /** How many bursts make a round; its figure is their median. */
  readonly bursts: number;
}

export const headline: Scenario<Burst> = {
  name: 'headline',
  title: 'Concurrent queries over verified TLS',
  about:
    'The time until the last of N queries that start at the same time is answered, with a warm pool, with a pool that has no open connections yet, and with a new connection for each query.',
  heldFixed: [
    `TLS 1.3 on loopback, ECDSA certificate. Certificate and host name are verified: each contestant was first given a different authority, and had to refuse the server. The server refuses these accounts without TLS.`,
    `${SIZE} connections at most. *Warm*: all of them are open. *Cold*: the pool is made when the clock starts; the time to close it is not counted.`,
    'Each query reads one row by primary key, and each answer is checked.',
    '`connection per query` opens, queries, and closes all of its connections at the same time, with mysql2. Its connections resume TLS sessions, as mysql2 does by default. It is a yardstick, not a rival.',
  ],
  cases: [
    { name: '10 queries, warm', queries: 10, warm: true, bursts: 40, quick: true },
    { name: '100 queries, warm', queries: 100, warm: true, bursts: 12 },
    { name: '200 queries, warm', queries: 200, warm: true, bursts: 8, quick: true },
    { name: '1 000 queries, warm', queries: 1_000, warm: true, bursts: 3, rounds: 3 },
    { name: '10 queries, cold', queries: 10, warm: false, bursts: 4 },
    { name: '100 queries, cold', queries: 100, warm: false, bursts: 3 },
    { name: '200 queries, cold', queries: 200, warm: false, bursts: 3, quick: true },
    { name: '1 000 queries, cold', queries: 1_000, warm: false, bursts: 2, rounds: 3 },
  ],
  metrics: {
    time: { label: 'until the last answer', unit: 'ms', compared: true },
    cpu: { label: 'CPU', unit: 'ms' },
  },
  ours: ['poolwright'],
  limits: ['connection per query'],
  rounds: 5,
  warmUpRounds: 1,
  steadyMachine: true,
  ownCores: true,
  contestants: {
    poolwright: contestant(async () => (await import('../../rivals/poolwright.js')).openPoolwright),
    mysql2: contestant(async () => (await import('../../rivals/mysql2.js')).openMysql2),
    mariadb: contestant(async () => (await import('../../rivals/mariadb.js')).openMariadb),
    knex: contestant(async () => (await import('../../rivals/knex.js')).openKnex),
    'connection per query': async (surroundings) => {
      const { mysql2Options } = await import('../../rivals/mysql2.js');
      const { createConnection } = await import('mysql2/promise');
      await expectRefusal(surroundings, async (address) => {
        await (await createConnection(mysql2Options(address))).end();
      });
      // One object, so that TLS sessions are resumed. A thousand handshakes at once take longer than its default time-out of 10 s allows on a slow machine.
      const options = { ...mysql2Options(surroundings.tls), connectTimeout: 60_000 };
      return bursting({
        query: async (id) => {
          const connection = await createConnection(options);
          const [rows] = await connection.query(SQL, [id]);
          await connection.end();
          return (rows as Row[])[0];
        },
        close: async () => undefined,
      });
    },
  },
};

interface Answering {
  query(id: number): Promise<Row | undefined>;
  close(): Promise<unknown>;
}

function contestant(load: () => Promise<OpenPool>): CreateContestant<Burst> {
  return async (surroundings) => {
    const openPool = await load();
    await expectRefusal(surroundings, async (address) => {
      const pool = openPool({ address, limit: 1, acquireTimeoutMs: 3_000 });
      try {
        await pool.query(SQL, [1]);
      } finally {
        await pool.close();
      }
    });
    const open = (): Answering & { readonly pool: ReturnType<OpenPool> } => {
      const pool = openPool({ address: surroundings.tls, limit: SIZE });
      return { pool, query: async (id) => pool.rowsOf(await pool.query(SQL, [id]))[0], close: () => pool.close() };
    };
    const warm = open();
    await warmedConnections(warm.pool, SIZE, surroundings);
    // A burst is too short to be optimized in: every contestant has asked as often as a service that has run for a while.
    await inParallel(SIZE, LEAD_IN / SIZE, (caller) => warm.query(1 + caller));
    return { ...bursting(warm, open), connections: SIZE };
  };
}

/** @throws Error when a server whose certificate another authority has signed is taken for the right one */
async function expectRefusal({ tls, wrongCa }: Surroundings, connect: (address: Address) => Promise<void>): Promise<void> {
  try {
    await connect({ ...tls, ca: wrongCa });
  } catch {
    return;
  }
  throw new Error('The certificate is not verified.');
}

function bursting(warm: Answering, open?: () => Answering): Contestant<Burst> {
  const burst = async (target: Answering, queries: number): Promise<{ time: number; cpu: number }> => {
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    const rows = await Promise.all(Array.from({ length: queries }, (_, index) => target.query(index + 1)));
    const time = performance.now() - startedAt;
    const { user, system } = process.cpuUsage(cpuBefore);
    for (const [index, row] of rows.entries()) {
      if (row?.['name'] !== accountOf(index + 1)['name']) throw new Error(`wrong answer for ${index + 1}`);
    }
    return { time, cpu: (user + system) / 1000 };
  };
  return {
    async run({ queries, warm: isWarm, bursts }, { scale }) {
      // Every connection of the warm pool, no matter what has happened to it while others were measured.
      if (open !== undefined) await burst(warm, SIZE * 5);
      const all: { time: number; cpu: number }[] = [];
      // A connection per query is the same, warm or cold, and takes long.
      const times = open === undefined ? 1 : Math.max(Math.round(bursts * scale), 1);
      for (let done = 0; done < times; done += 1) {
        const startedAt = performance.now();
        const target = isWarm || open === undefined ? warm : open();
        const makingMs = performance.now() - startedAt;
        const { time, cpu } = await burst(target, queries);
        all.push({ time: time + makingMs, cpu });
        if (target !== warm) await target.close();
      }
      const medianOf = (key: 'time' | 'cpu'): number =>
        quantile(
          all.map((one) => one[key]),
          0.5,
        );
      return { time: medianOf('time'), cpu: medianOf('cpu') };
    },
    close: () => warm.close(),
  };
}
