import { setTimeout as sleep } from 'node:timers/promises';
import { createPool } from 'poolwright';
import { Pool as Engine } from 'poolwright/engine';
import { Breaker } from 'poolwright/resilience';
import type { Address, Case, Contestant, CreateContestant, Figures, Scenario } from '../../scenario.js';
import { quantile } from '../timing.js';

const SIZE = 10;
/** Acquires and releases of a round: a quarter of a second. */
const PAIRS = 1_000_000;
/** What a statement takes usually, on the server; at three times that, the database can do `SIZE / 30 ms`. */
const USUAL_MS = 10;
const SLOWED_MS = 3 * USUAL_MS;
/** What a caller has in all, and how long callers should wait at most, as the pool's options say. */
const PATIENCE_MS = 500;
const WAIT_TARGET_MS = 100;
const OVERLOAD_MS = 4_000;
/** In which the overload must be noticed: not counted. */
const NOTICED_MS = 1_000;

interface Measured extends Case {
  readonly what: 'breaker' | 'overload' | 'tenant';
}

/** What the two contestants of a case are. */
type Variant = 'with' | 'without';

export const resilience: Scenario<Measured> = {
  name: 'resilience',
  title: 'Resilience',
  about: 'What a closed breaker costs, and what shedding and fairness achieve: poolwright with each of these features and without.',
  heldFixed: [
    `*Closed breaker*: acquire + release of the engine over plain objects; \`with\` asks a breaker before each call and reports the outcome after it, with a time that was read anyway, as in the pool.`,
    `*Overload*: ${SIZE} connections, statements of ${SLOWED_MS} ms where they usually take ${USUAL_MS}; callers arrive at the rate that the database can serve at its usual speed, which is three times its current capacity. Each caller waits at most ${PATIENCE_MS} ms. ` +
      `\`with\` has waitTarget ${WAIT_TARGET_MS} ms. Lost goodput is a percentage of the database's current capacity. The first second does not count.`,
    `*Noisy tenant*: ten tenants with 10 statements of ${USUAL_MS} ms a second each, and one tenant with 100 times as many. \`with\` has scheduling 'fair' and a fairnessKey per tenant; the figures are those of the ten tenants, which run alone for the first two seconds.`,
  ],
  cases: [
    { name: 'closed breaker', what: 'breaker', quick: true, rounds: 15 },
    { name: 'overload', what: 'overload', rounds: 2 },
    { name: 'noisy tenant', what: 'tenant', rounds: 2 },
  ],
  metrics: {
    pair: { label: 'acquire + release', unit: 'ns' },
    p99: { label: 'from call to answer, 99 %', unit: 'ms' },
    alone: { label: 'the same before the noisy one came', unit: 'ms' },
    lost: { label: 'goodput lost', unit: 'percent' },
    refusedIn: { label: 'refused within', unit: 'ms' },
  },
  ours: ['with'],
  limits: [],
  rounds: 5,
  warmUpRounds: 1,
  contestants: { with: contestant('with'), without: contestant('without') },
};

function contestant(variant: Variant): CreateContestant<Measured> {
  return async ({ database }): Promise<Contestant<Measured>> => ({
    async run({ what }, { scale }) {
      if (what === 'breaker') return { pair: await pairNs(variant, Math.round(PAIRS * scale)) };
      return what === 'overload' ? await overload(variant, database) : await noisyTenant(variant, database);
    },
    close: () => Promise.resolve(),
  });
}

async function pairNs(variant: Variant, pairs: number): Promise<number> {
  const factory = { open: async () => ({}), close: () => undefined, validate: async () => undefined };
  const pool = new Engine<object>(factory, { connectionLimit: SIZE, minIdle: SIZE });
  await pool.ready();
  const breaker = variant === 'with' ? new Breaker() : undefined;
  const startedAt = performance.now();
  for (let pair = 0; pair < pairs; pair += 1) {
    if (breaker?.closed === false) throw new Error('the breaker opened');
    const lease = await pool.acquire();
    lease.release();
    // The pool passes the time that it has read anyway.
    breaker?.succeeded(0, startedAt);
  }
  const elapsedMs = performance.now() - startedAt;
  await pool.close();
  return (elapsedMs * 1e6) / pairs;
}

interface Offered {
  readonly everyMs: number;
  readonly forMs: number;
  readonly call: () => Promise<unknown>;
}

/** Calls at an even rate, no matter what becomes of them. */
async function offer({ everyMs, forMs, call }: Offered, done: (beganMs: number, tookMs: number, error: unknown) => void): Promise<void> {
  const startedAt = performance.now();
  const calls: Promise<void>[] = [];
  for (let dueMs = 0; dueMs < forMs; dueMs += everyMs) {
    const aheadMs = startedAt + dueMs - performance.now();
    if (aheadMs > 1) await sleep(aheadMs);
    const calledAt = performance.now();
    const told = (error: unknown): void => done(dueMs, performance.now() - calledAt, error);
    calls.push(call().then(() => told(undefined), told));
  }
  await Promise.all(calls);
}

async function overload(variant: Variant, address: Address): Promise<Figures> {
  const pool = createPool({
    ...optionsOf(address),
    ...(variant === 'with' ? { waitTarget: WAIT_TARGET_MS } : {}),
    breakers: false,
    retries: false,
  });
  await pool.ready();
  const servedMs: number[] = [];
  const refusedMs: number[] = [];
  const call = (): Promise<unknown> => pool.query({ sql: 'SELECT SLEEP(?)', values: [SLOWED_MS / 1000], timeout: PATIENCE_MS });
  await offer({ everyMs: USUAL_MS / SIZE, forMs: OVERLOAD_MS, call }, (beganMs, tookMs, error) => {
    if (beganMs < NOTICED_MS) return;
    if (error === undefined) servedMs.push(tookMs);
    else refusedMs.push(tookMs);
  });
  await pool.end();
  const possible = ((OVERLOAD_MS - NOTICED_MS) / SLOWED_MS) * SIZE;
  return {
    p99: quantile(servedMs, 0.99),
    lost: Math.max(100 - (servedMs.length / possible) * 100, 0),
    ...(refusedMs.length === 0 ? {} : { refusedIn: quantile(refusedMs, 0.5) }),
  };
}

async function noisyTenant(variant: Variant, address: Address): Promise<Figures> {
  const fair = variant === 'with';
  const pool = createPool({
    ...optionsOf(address),
    ...(fair ? { scheduling: 'fair' as const, fairnessLimit: SIZE - 2 } : {}),
    acquireTimeout: 2_000,
  });
  await pool.ready();
  const tookMs: number[] = [];
  const asking = (tenant: string) => (): Promise<unknown> =>
    pool.query({ sql: 'SELECT SLEEP(?)', values: [USUAL_MS / 1000], ...(fair ? { fairnessKey: tenant } : {}) });
  let turn = 0;
  const quiet = (): Promise<unknown> => asking(`tenant ${(turn = (turn + 1) % 10)}`)();
  const aloneMs: number[] = [];
  await offer({ everyMs: 10, forMs: 2_000, call: quiet }, (_, ms) => void aloneMs.push(ms));
  await Promise.all([
    offer({ everyMs: 10, forMs: 2_000, call: quiet }, (_, ms) => void tookMs.push(ms)),
    offer({ everyMs: 1, forMs: 2_000, call: asking('noisy') }, () => undefined),
  ]);
  await pool.end();
  return { p99: quantile(tookMs, 0.99), alone: quantile(aloneMs, 0.99) };
}

function optionsOf({ host, port, user, password, database }: Address): object {
  return { host, port, user, password, database, connectionLimit: SIZE, minIdle: SIZE };
}
