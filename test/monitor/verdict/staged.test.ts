/** The verdict 10 s, 15 min and 6 h after trouble began, and after it ended: each staged by a script, with a moved clock. */

import { describe, expect, it } from 'vitest';
import { Breaker } from '../../../src/resilience/breaker/index.js';
import type { LivePoint } from '../../../src/monitor/points/index.js';
import {
  amount,
  failuresIn,
  findingsOn,
  followed,
  type Incident,
  type PoolVerdict,
  verdictOn,
} from '../../../src/monitor/verdict/index.js';
import { BLANK, judgedPool, type Told } from '../support/judged-pool.js';

const BEGIN = new Date(2026, 0, 1, 6, 49, 5).getTime();
const [SHORT, LONG, HOURS] = [10, 900, 21_600] as const;

/** How a pool is in a second, and what that second brought. */
interface Second {
  readonly told?: Told;
  readonly point?: Partial<LivePoint>;
}

/** A pool that is watched each second of a clock that the test moves. */
class Stage {
  #now = BEGIN - 60_000;
  readonly #points: LivePoint[] = [];
  #incidents: readonly Incident[] = [];
  #last: Second = {};

  get incidents(): readonly Incident[] {
    return this.#incidents;
  }

  /**
   * Each second of a quarter of an hour is looked at, and of what follows each minute.
   *
   * @param second how it is, by how long it has been so
   */
  run(seconds: number, second: (forMs: number, now: number) => Second): this {
    let done = 0;
    while (done < seconds) {
      const step = Math.min(done < LONG ? 1 : 60, seconds - done);
      done += step;
      this.#now += step * 1_000;
      this.#last = second((done - 1) * 1_000, this.#now);
      const { told = {}, point = { acquired: 100 } } = this.#last;
      const times = (count = 0): number => count * step;
      const counts = {
        acquired: times(point.acquired),
        timedOut: times(point.timedOut),
        refused: times(point.refused),
        breakerRefused: times(point.breakerRefused),
      };
      const full = { ...BLANK, at: this.#now, sinceMs: step * 1_000, ...point, ...counts };
      this.#points.push(full);
      if (this.#points.length > 600) this.#points.shift();
      const pool = judgedPool(told);
      const at = this.#now;
      this.#incidents = followed(this.#incidents, { findings: findingsOn(pool, at), failures: failuresIn([full]), pool, at });
    }
    return this;
  }

  verdict(): PoolVerdict {
    const pool = judgedPool(this.#last.told);
    const verdict = verdictOn(pool, { points: this.#points, incidents: this.#incidents }, this.#now);
    expect(verdict.status).toBe(pool.health.status);
    return verdict;
  }
}

const closed = (name: string) => new Breaker({ name }).snapshot();
const LOST = { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:3306', agoMs: 400 };
const PLACE = 'orders/report.ts:42';

interface Trouble {
  readonly name: string;
  readonly cause: PoolVerdict['cause'];
  readonly status: PoolVerdict['status'];
  readonly second: (forMs: number, now: number) => Second;
  /** The headline; the function gives since when it is so, what follows, and whom it has hit. */
  readonly headline: (facts: (...tail: readonly string[]) => string) => string;
  /** Callers that fail in each second. */
  readonly fails?: { readonly timedOut?: number; readonly refused?: number };
  /** In words of the past; absent: it keeps no callers away, and is no headline afterwards. */
  readonly was?: string;
  readonly advice: RegExp;
}

const TROUBLES: readonly Trouble[] = [
  {
    name: 'saturated',
    cause: 'exhausted',
    status: 'unhealthy',
    fails: { timedOut: 40 },
    second: (forMs) => ({
      told: {
        stats: { used: 10, waiting: 4, longestWaitMs: Math.min(30_000, forMs) },
        checks: { waiting: ['warn', '4 callers wait'], callers: ['fail', '400 of 401 callers failed'], utilization: ['warn', '10 of 10'] },
        borrowed: Array.from({ length: 10 }, (_, index) => ({
          id: index,
          heldMs: 900,
          description: 'a',
          inTransaction: false,
          statement: 'SELECT SLEEP(?)',
          runningMs: 900,
          ...(index < 6 ? { place: PLACE } : {}),
        })),
      },
      point: { timedOut: 40, used: 10, waiting: 4 },
    }),
    headline: (facts) =>
      `The pool is the bottleneck: all 10 connections are in use ${facts('6 of them from orders/report.ts:42', '4 callers wait')}.`,
    was: 'All 10 connections were in use, and callers waited',
    advice: /Speed up or stop the statements/,
  },
  {
    name: 'leaking',
    cause: 'leak',
    status: 'degraded',
    second: (forMs) => ({
      told: {
        checks: { leaks: ['warn', '6 connections may be leaked'] },
        stats: { used: 6, options: { leakDetectionThreshold: 1_000 } },
        borrowed: Array.from({ length: 6 }, (_, index) => ({
          id: index,
          heldMs: forMs,
          quietMs: forMs,
          leaked: true,
          description: 'a',
          inTransaction: false,
          place: PLACE,
        })),
      },
    }),
    headline: (facts) => `6 of 10 connections may be leaked ${facts('borrowed at orders/report.ts:42')}.`,
    advice: /await using/,
  },
  {
    name: 'without its database',
    cause: 'database-away',
    status: 'unhealthy',
    fails: { refused: 119 },
    second: () => ({
      told: {
        checks: {
          connections: ['fail', 'no connection can be opened'],
          breakers: ['fail', "breaker 'connect' is open"],
          callers: ['fail', 'all fail'],
          'connect-errors': ['warn', 'a connection failed to open'],
        },
        stats: { used: 0, total: 0, lastConnectError: LOST },
      },
      point: { breakerRefused: 119, used: 0, idle: 0 },
    }),
    headline: (facts) => `The database cannot be reached ${facts()}.`,
    was: 'The database was away',
    advice: /Bring the database back/,
  },
  {
    name: 'on a server that is read-only',
    cause: 'read-only',
    status: 'degraded',
    second: () => ({ told: { checks: { endpoint: ['warn', '0.2 s ago the server refused work: read-only'] } } }),
    headline: (facts) => `The server refuses work ${facts()}.`,
    advice: /become a replica/,
  },
  {
    name: 'behind an isolated breaker',
    cause: 'breaker',
    status: 'unhealthy',
    fails: { refused: 50 },
    second: (forMs) => {
      const breaker = new Breaker({ name: 'statement' });
      breaker.isolate('upkeep');
      const statement = { ...breaker.snapshot(), inStateForMs: forMs };
      return {
        told: {
          checks: { breakers: ['fail', "breaker 'statement' is isolated: upkeep"], callers: ['fail', 'all fail'] },
          stats: { breakers: { connect: closed('connect'), statement } },
        },
        point: { breakerRefused: 50 },
      };
    },
    headline: (facts) => `Callers are refused at once: breaker 'statement' is isolated ${facts()}.`,
    was: "Breaker 'statement' was isolated",
    advice: /until an operator closes it/,
  },
  {
    name: "without its cache's Redis",
    cause: 'cache-away',
    status: 'degraded',
    second: () => {
      const breaker = new Breaker({ name: 'cache' });
      breaker.open('it does not answer');
      return {
        told: {
          checks: { breakers: ['warn', "breaker 'cache' is open: it does not answer"] },
          stats: { breakers: { connect: closed('connect'), statement: closed('statement'), cache: breaker.snapshot() } },
        },
      };
    },
    headline: (facts) => `The cache's Redis does not answer ${facts('the database answers the cached reads')}.`,
    advice: /Bring Redis back/,
  },
  {
    name: 'without a writer',
    cause: 'no-writer',
    status: 'unhealthy',
    fails: { timedOut: 3 },
    second: (forMs) => ({
      told: {
        checks: { writer: ['fail', 'no server takes writes'], callers: ['fail', 'all fail'] },
        stats: { waiting: 12, longestWaitMs: 9_000 },
        topology: {
          nodes: [{ name: 'b:3306', role: 'reader', state: 'up', reason: null, lagMs: 0, since: BEGIN }],
          writer: null,
          ambiguous: [],
          withoutWriterMs: forMs,
          reads: { consistency: 'bounded', maxLag: 1_000, fallback: 'writer' },
        },
      },
      point: { timedOut: 3, waiting: 12 },
    }),
    headline: (facts) => `No server takes writes ${facts('12 callers wait')}.`,
    was: 'No server took writes',
    advice: /Promote one server/,
  },
  {
    name: 'in a fleet over its budget',
    cause: 'fleet',
    status: 'degraded',
    second: () => ({ told: { checks: { fleet: ['warn', '31 members share a budget for 30 processes'] } } }),
    headline: (facts) => `The fleet needs attention ${facts('31 members share a budget for 30 processes')}.`,
    advice: /number of processes/,
  },
];

const well = (): Second => ({});
const callersIn = (seconds: number, { fails }: Trouble): string => {
  const { timedOut = 0, refused = 0 } = fails ?? {};
  if (timedOut + refused === 0) return '';
  return timedOut === 0 ? `${amount(refused * seconds)} callers were refused` : `${amount(timedOut * seconds)} callers timed out`;
};

describe.each(TROUBLES)('a pool that is $name', (trouble) => {
  it.each([SHORT, LONG, HOURS])('says what is wrong, since when, whom it has hit, and what to do, after %i s', (seconds) => {
    const verdict = new Stage().run(60, well).run(seconds, trouble.second).verdict();
    const { timedOut = 0, refused = 0 } = trouble.fails ?? {};
    const failed = callersIn(seconds, trouble);
    const rate = failed === '' ? [] : [`${failed} (${timedOut + refused} a second now)`];
    expect(verdict).toMatchObject({
      status: trouble.status,
      cause: trouble.cause,
      headline: trouble.headline((...tail) => ['since 06:49:06', ...tail, ...rate].join('; ')),
      since: BEGIN + 1_000,
      callersFailed: (timedOut + refused) * seconds,
      failingPerSecond: timedOut + refused,
      advice: expect.stringMatching(trouble.advice) as string,
    });
  });

  it.each([SHORT, LONG, HOURS])(
    'and recovered after 101 s, says what was, from when to when, and whom it has hit, %i s later',
    (seconds) => {
      const stage = new Stage().run(60, well).run(101, trouble.second).run(seconds, well);
      const verdict = stage.verdict();
      expect(verdict).toMatchObject({ status: 'healthy', cause: null, since: null, callersFailed: 0, advice: null });
      expect(stage.incidents).toMatchObject([{ cause: trouble.cause, begin: BEGIN + 1_000, end: BEGIN + 102_000, status: trouble.status }]);
      const failed = callersIn(101, trouble);
      const ended = `${trouble.was} from 06:49:06 to 06:50:47${failed === '' ? '' : `; ${failed}`}.`;
      const text = [verdict.headline, ...verdict.details].join(' ');
      if (trouble.was === undefined) expect(verdict.headline).toBe('The pool is fine: every caller is served at once.');
      else expect(text.toLowerCase()).toContain(ended.toLowerCase());
      expect(verdict.headline.includes('06:49:06')).toBe(trouble.was !== undefined && seconds <= LONG);
    },
  );
});

describe('after an outage', () => {
  const [, , away] = TROUBLES as readonly [Trouble, Trouble, Trouble];
  const aftermath = (): Second => ({ told: { checks: { 'connect-errors': ['warn', 'a connection failed to open 9 s ago'] } } });

  it('a failure to connect that is only remembered does not hide that the database is back', () => {
    const verdict = new Stage().run(60, well).run(101, away.second).run(11, aftermath).verdict();
    expect(verdict).toMatchObject({ status: 'degraded', cause: null });
    expect(verdict.headline).toMatch(
      /^The pool serves its callers again\. The database was away from 06:49:06 to 06:50:47; 12 019 callers were refused\.$/,
    );
  });

  it('callers that failed before its end are its callers, and no incident of their own', () => {
    const after = (): Second => ({
      told: { checks: { callers: ['warn', '900 of 1 100 callers failed'] } },
      point: { acquired: 90, refused: 5 },
    });
    const stage = new Stage().run(60, well).run(101, away.second).run(1, after);
    const verdict = stage.verdict();
    expect(verdict).toMatchObject({ status: 'degraded', cause: null });
    expect(verdict.headline).toContain('The database was away from 06:49:06 to 06:50:47; 12 024 callers were refused.');
    stage.run(9, after).run(5, well);
    expect(stage.incidents).toMatchObject([{ cause: 'database-away', refused: 12_019 + 50 }]);
  });

  it('callers that failed are among those of the last minute', () => {
    const verdict = new Stage().run(60, well).run(30, away.second).run(2, well).verdict();
    expect(verdict.details).toContain('In the last minute, 3 000 of 6 570 callers had a connection.');
    expect(verdict.headline).toMatch(/^The pool serves its callers; 952 callers were refused a moment ago\./);
  });

  it('one that comes back within a minute is the same incident', () => {
    const stage = new Stage().run(60, well).run(20, away.second).run(30, well).run(20, away.second).run(5, well);
    expect(stage.incidents).toMatchObject([
      { returned: 1, begin: BEGIN + 1_000, end: BEGIN + 71_000, refused: 119 * 40, error: LOST.message },
    ]);
  });

  it('one that began as a failure to connect is one incident', () => {
    const first = (): Second => ({
      told: { checks: { 'connect-errors': ['warn', 'x'] }, stats: { lastConnectError: LOST } },
      point: { refused: 2 },
    });
    const stage = new Stage().run(60, well).run(2, first).run(20, away.second).run(5, well);
    expect(stage.incidents).toMatchObject([{ cause: 'database-away', begin: BEGIN + 1_000, refused: 4 + 119 * 20 }]);
  });
});

describe('records of incidents', () => {
  it('are at most 50, and those that last are kept', () => {
    const [saturated, leaking] = TROUBLES as readonly [Trouble, Trouble];
    const stage = new Stage().run(10, leaking.second);
    for (let round = 0; round < 60; round += 1) stage.run(5, (...second) => ({ ...saturated.second(...second) })).run(70, well);
    expect(stage.incidents).toHaveLength(50);
    stage.run(86_400, well);
    expect(stage.incidents).toHaveLength(0);
  });

  it('of what is short and hits no caller are dropped', () => {
    const busy = (): Second => ({ told: { checks: { waiting: ['warn', 'x'] }, stats: { used: 10, waiting: 1, longestWaitMs: 600 } } });
    expect(new Stage().run(60, well).run(2, busy).run(5, well).incidents).toEqual([]);
  });

  it('keep who held the connections when most callers waited, with what they ran', () => {
    const [saturated] = TROUBLES as readonly [Trouble];
    const { incidents } = new Stage().run(60, well).run(10, saturated.second).run(5, well);
    expect(incidents[0]).toMatchObject({
      mostWaiting: 4,
      timedOut: 400,
      holders: [
        { place: PLACE, count: 6, work: 'running SELECT SLEEP(?)' },
        { place: null, count: 4 },
      ],
    });
  });
});
